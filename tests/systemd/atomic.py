"""What `atomic install --user` writes for one container.

    atomic.py TEMPLATES ROOTFS NAME RUNTIME

ROOTFS is copied to $HOME/.containers/atomic/NAME.0/rootfs. Its folder /exports may hold
service.template, config.json.template, tmpfiles.template and manifest.json; TEMPLATES has the
service of images without one. With SERVICE=old the commands are those of the first versions,
with SERVICE=older those before --pid-file was known.
"""
import json
import os
import pwd
import shutil
import string
import subprocess
import sys
import uuid

templates, rootfs, name, runtime = sys.argv[1:]
home, run_dir = os.environ["HOME"], os.environ["XDG_RUNTIME_DIR"]
old = os.environ.get("SERVICE")
base = home + "/.containers"
dest = f"{base}/atomic/{name}.0"
pid_file = f"{run_dir}/container-{name}.pid"


def read(path):
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def probe(*words):
    return subprocess.run([runtime, *words], stdout=subprocess.PIPE, check=True, text=True, cwd=dest).stdout


def mappings(own, path):
    """The caller as root, then his sub-ids."""
    user = pwd.getpwuid(os.getuid()).pw_name
    lines = [{"containerID": 0, "hostID": own, "size": 1}]
    for line in read(path).splitlines():
        owner, start, size = line.split(":")
        if owner == user:
            lines.append({"containerID": sum(l["size"] for l in lines), "hostID": int(start), "size": int(size)})
    return lines


def for_user(conf):
    """The configuration as a user can have it."""
    linux = conf["linux"]
    types = [ns["type"] for ns in linux["namespaces"] if ns["type"] not in ("network", "user")]
    linux["namespaces"] = [{"type": t} for t in types + ["user"]]
    mounts = [m for m in conf["mounts"] if not m["destination"].startswith("/sys")]
    for mount in mounts:
        if not mount["destination"].startswith("/dev"):
            options = mount.setdefault("options", [])
            options += [o for o in ("nodev", "nosuid") if o not in options]
    mounts.append({"destination": "/sys", "type": "bind", "source": "/sys",
                   "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]})
    conf["mounts"] = mounts
    linux.get("resources", {}).pop("devices", None)
    linux.setdefault("uidMappings", mappings(os.getuid(), "/etc/subuid"))
    linux.setdefault("gidMappings", mappings(os.getgid(), "/etc/subgid"))
    return conf


shutil.copytree(rootfs, dest + "/rootfs", symlinks=True)
exports = dest + "/rootfs/exports/"
service = read(exports + "service.template") or read(templates + "/default.service.template")

# the overridable ones, the image's, and those that stand
values = {"RUN_DIRECTORY": run_dir, "PIDFILE": pid_file, "CONF_DIRECTORY": home + "/.config",
          "STATE_DIRECTORY": home + "/.data", "UUID": str(uuid.uuid4()), "RUNTIME": runtime,
          "ATOMIC": "/usr/bin/atomic", "ALL_PROCESS_CAPABILITIES": '"CAP_CHOWN"'}
values.update(json.loads(read(exports + "manifest.json") or "{}").get("defaultValues", {}))
values.update(DESTDIR=dest, NAME=name, HOST_UID=os.getuid(), HOST_GID=os.getgid(), IMAGE_NAME=name,
              IMAGE_ID="0" * 64, EXEC_STARTPRE="", EXEC_STOP="", EXEC_STOPPOST="")
if old == "older":
    values.update(EXEC_START=f"{runtime} '{name}'")
elif old == "old" and "--pid-file" in probe("--help"):
    values.update(EXEC_START=f"{runtime} --pid-file='{pid_file}' --detach run {name}",
                  EXEC_STOPPOST=f"{runtime} delete '{name}'")
elif "--pid-file" in probe("run", "--help") and "$EXEC_STOPPOST" in service and "$PIDFILE" in service:
    values.update(EXEC_START=f"{runtime}  run -d --pid-file {pid_file} '{name}'",
                  EXEC_STOPPOST=f"{runtime} delete '{name}'")
else:
    values.update(EXEC_START=f"{runtime} run '{name}'", EXEC_STOP=f"{runtime} kill '{name}'")


def fill(text):
    return string.Template(text).substitute(values)


template = read(exports + "config.json.template")
if template:
    conf = json.loads(fill(template))
else:
    probe("spec", "--rootless")
    conf = json.loads(read(dest + "/config.json"))
    conf["root"] = {"path": "rootfs", "readonly": True}
    conf["process"].update(terminal=False, args=["run.sh"])
write(dest + "/config.json", json.dumps(for_user(conf), indent=4) + "\n")
write(f"{home}/.config/systemd/user/{name}.service", fill(service))
if read(exports + "tmpfiles.template"):
    write(f"{base}/tmpfiles/{name}.conf", fill(read(exports + "tmpfiles.template")))
os.symlink(dest, f"{base}/atomic/{name}")
