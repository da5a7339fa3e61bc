// SPDX-License-Identifier: BSD-2-Clause
#include "common/confinement.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>

namespace tlsrpt {

namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Result<void> set_limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit{value, value};
  if (::setrlimit(resource, &limit) != 0) return fail_errno(errno, "cannot set a resource limit");
  return {};
}

/// Address space in use, so that a limit can be set on top of it (sanitizers reserve terabytes).
rlim_t address_space_in_use() {
  std::ifstream statm("/proc/self/statm");
  unsigned long pages = 0;
  statm >> pages;
  return static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

Result<void> load_filter() {
  const std::unique_ptr<void, ReleaseFilter> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return fail(ErrorCode::internal, "cannot make a system call filter");
  int failed = 0;
  for (const int call :
       {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(exit), SCMP_SYS(exit_group),
        SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime),
        SCMP_SYS(getrandom), SCMP_SYS(mprotect), SCMP_SYS(getpid), SCMP_SYS(gettid)}) {
    failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  // Memory, but no files: only anonymous mappings.
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
  if (failed != 0 || seccomp_load(filter.get()) != 0) {
    return fail(ErrorCode::internal,
                "cannot load the system call filter; does the kernel have seccomp?");
  }
  return {};
}

}  // namespace

Result<void> confine_this_process(const ConfinementLimits& limits) {
  const auto cpu = static_cast<rlim_t>(limits.cpu_time.count());
  for (const auto& [resource, value] :
       {std::pair{RLIMIT_CORE, rlim_t{0}}, std::pair{RLIMIT_CPU, cpu},
        std::pair{RLIMIT_FSIZE, rlim_t{0}},
        std::pair{RLIMIT_AS, address_space_in_use() + limits.memory_bytes}}) {
    if (auto set = set_limit(resource, value); !set) return set;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return fail_errno(errno, "cannot give up privileges");
  }
  return load_filter();
}

}  // namespace tlsrpt
