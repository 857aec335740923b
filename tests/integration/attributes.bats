# What a process keeps through the exec, seen from inside.
# shellcheck shell=bash
load helpers

setup() {
  setup_test
  make_bundle
}

@test "process.scheduler: policy and nice" {
  # without privilege none may be nicer to itself than it was
  local nice=$(($(nice) < 7 ? 7 : $(nice)))
  config '.process.scheduler = {policy: "SCHED_BATCH", nice: $nice}' --argjson nice "$nice"
  sh_container 'cut -d" " -f19,41 /proc/self/stat'
  assert_success
  assert_output "$nice 3"
}

@test "process.scheduler: what the kernel forbids is an error by name" {
  config '.process.scheduler = {policy: "SCHED_FIFO", priority: 5}'
  sh_container true
  assert_failure 1
  [[ $stderr == *"/process/scheduler"*"sched_setattr"* ]]
}

@test "process.ioPriority" {
  config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
  sh_container 'ionice -p $$'
  assert_success
  assert_output "best-effort: prio 6"
  config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}'
  sh_container 'ionice -p $$'
  assert_output idle
}

@test "linux.personality" {
  config '.linux.personality = {domain: "LINUX32"}'
  sh_container 'cat /proc/self/personality'
  assert_success
  assert_output 00000008
}

@test "linux.memoryPolicy" {
  config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
  sh_container 'grep -o "bind:0" /proc/self/numa_maps | head -n1'
  assert_success
  assert_output bind:0
}

@test "linux.memoryPolicy: nodes that are no list" {
  config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0-x"}'
  sh_container true
  assert_failure 1
  [[ $stderr == *"/linux/memoryPolicy/nodes"* ]]
}

@test "process.execCPUAffinity: for exec only" {
  [ "$(nproc)" -gt 1 ] || skip "machine: one CPU"
  config '.process.execCPUAffinity = {initial: "0", final: "1"}'
  container_command sleep 100
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  run_oci exec "$ID" /bin/grep Cpus_allowed_list /proc/1/status /proc/self/status
  assert_success
  [[ $output == *$'/proc/self/status:Cpus_allowed_list:\t1' ]]
  [[ $output != *$'/proc/1/status:Cpus_allowed_list:\t1'$'\n'* ]]
}
