// SPDX-License-Identifier: BSD-2-Clause
#include "common/confinement.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <limits>
#include <memory>

#include "common/unique_fd.hpp"

namespace tlsrpt {

namespace {

static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));

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

/// The library writes a filter to a descriptor only.
Result<std::vector<std::uint64_t>> export_filter(void* filter) {
  const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
  struct stat written {};
  if (!file || seccomp_export_bpf(filter, file.get()) != 0 || ::fstat(file.get(), &written) != 0) {
    return fail(ErrorCode::internal, "cannot make a system call filter");
  }
  std::vector<std::uint64_t> instructions(static_cast<std::size_t>(written.st_size) /
                                          sizeof(std::uint64_t));
  const std::size_t bytes = instructions.size() * sizeof(std::uint64_t);
  if (instructions.size() > std::numeric_limits<unsigned short>::max() ||
      ::pread(file.get(), instructions.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    return fail(ErrorCode::internal, "cannot read back a system call filter");
  }
  return instructions;
}

Result<std::vector<std::uint64_t>> make_filter() {
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
  if (failed != 0) return fail(ErrorCode::internal, "cannot make a system call filter");
  return export_filter(filter.get());
}

}  // namespace

Result<Confinement> Confinement::prepare(const ConfinementLimits& limits) {
  auto filter = make_filter();
  if (!filter) return tl::unexpected(filter.error());
  for (const auto& [resource, value] :
       {std::pair{RLIMIT_CORE, rlim_t{0}}, std::pair{RLIMIT_FSIZE, rlim_t{0}},
        std::pair{RLIMIT_AS, address_space_in_use() + limits.memory_bytes}}) {
    if (auto set = set_limit(resource, value); !set) return tl::unexpected(set.error());
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return fail_errno(errno, "cannot give up privileges");
  }
  return Confinement(limits.cpu_time, std::move(*filter));
}

Result<void> Confinement::enter() const {
  if (auto set = set_limit(RLIMIT_CPU, static_cast<rlim_t>(cpu_time_.count())); !set) return set;
  std::vector<std::uint64_t> instructions = filter_;  // the kernel's type wants them writable
  sock_fprog program{};
  program.len = static_cast<unsigned short>(instructions.size());
  program.filter = reinterpret_cast<sock_filter*>(instructions.data());
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    return fail_errno(errno, "cannot load the system call filter; does the kernel have seccomp?");
  }
  return {};
}

Result<void> confine_this_process(const ConfinementLimits& limits) {
  const auto confinement = Confinement::prepare(limits);
  if (!confinement) return tl::unexpected(confinement.error());
  return confinement->enter();
}

}  // namespace tlsrpt
