"""A client of the Container Runtime Interface, as the kubelet is one; crictl is not in Debian.

usage: cri.py SOCKET METHOD [JSON]             one call; prints the answer as JSON
       cri.py SOCKET exec ID [tty] COMMAND...  by the streaming server; ends with its status
       cri.py SOCKET forward POD PORT TEXT     to a port of the pod; prints what comes back
       cri.py SOCKET remove                    all pods

cri_pb2 is made by protoc of cri.proto.
"""
import json, sys
import grpc, websocket
from google.protobuf import json_format
import cri_pb2

channel = grpc.insecure_channel("unix://" + sys.argv[1])


def call(name, request):
    service = "ImageService" if "Image" in name else "RuntimeService"
    method = cri_pb2.DESCRIPTOR.services_by_name[service].methods_by_name[name]
    answer = getattr(cri_pb2, method.output_type.name)
    function = channel.unary_unary(
        "/runtime.v1.%s/%s" % (service, name),
        request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString)
    return function(json_format.ParseDict(request, getattr(cri_pb2, method.input_type.name)()), timeout=50)


def connect(url, protocol):
    return websocket.create_connection(url.replace("http", "ws", 1), subprotocols=[protocol], timeout=20)


def frames(socket):
    """Each message is a byte that names its channel, and data."""
    while True:
        try:
            opcode, data = socket.recv_data()
        except websocket.WebSocketConnectionClosedException:
            return
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return
        yield data[0], data[1:]


def run_exec(container, *command):
    tty = command[0] == "tty"
    # a terminal comes with an input: without one containerd (1.6) loses what it shows
    url = call("Exec", {"container_id": container, "cmd": list(command[tty:]), "tty": tty, "stdin": tty,
                        "stdout": True, "stderr": not tty}).url
    status = {}
    for stream, data in frames(connect(url, "v4.channel.k8s.io")):
        if stream in (1, 2):
            (sys.stdout, sys.stderr)[stream - 1].write(data.decode())
        elif stream == 3:
            status = json.loads(data)
    causes = {c["reason"]: c["message"] for c in status.get("details", {}).get("causes", [])}
    return int(causes.get("ExitCode", 0 if status.get("status") == "Success" else 255))


def forward(pod, port, text):
    url = call("PortForward", {"pod_sandbox_id": pod, "port": [int(port)]}).url
    socket = connect(url + "?port=" + port, "v4.channel.k8s.io")
    socket.send_binary(b"\0" + text.encode() + b"\n")
    greeted = set()
    for stream, data in frames(socket):
        # the first message of each channel is the number of the port
        if stream not in greeted:
            greeted.add(stream)
        elif data:
            (sys.stdout if stream == 0 else sys.stderr).write(data.decode())
            return stream
    return 1


def remove():
    for pod in call("ListPodSandbox", {}).items:
        call("StopPodSandbox", {"pod_sandbox_id": pod.id})
        call("RemovePodSandbox", {"pod_sandbox_id": pod.id})
    return 0


def main(name, *args):
    other = {"exec": run_exec, "forward": forward, "remove": remove}
    if name in other:
        return other[name](*args)
    try:
        answer = call(name, json.loads(args[0] if args else "{}"))
    except grpc.RpcError as error:
        print(error.details(), file=sys.stderr)
        return 1
    if isinstance(answer, cri_pb2.ExecSyncResponse):
        sys.stdout.write(answer.stdout.decode())
        sys.stderr.write(answer.stderr.decode())
        return answer.exit_code
    print(json_format.MessageToJson(answer, preserving_proto_field_name=True, indent=None))
    return 0


sys.exit(main(*sys.argv[2:]))
