// SPDX-License-Identifier: BSD-2-Clause
// What it costs to read a report mail, beside what cannot be left out: decoding its base64,
// inflating, and one pass of the fastest JSON parser at hand over the same bytes.
//
// The mails are multipart/report: a text part and an application/tlsrpt+gzip part in base64, with
// the header fields that a mail has after some hops. Their names say how large the JSON text is.
// Limit and reader take turns; the figures are medians of the CPU time of this thread, so that
// others on the machine count little. Buffers of the limit are reused, those of the reader are not.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <simdjson.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/confined_opener.hpp"
#include "common/dkim.hpp"
#include "common/gzip.hpp"
#include "common/message.hpp"
#include "common/outcome_codec.hpp"
#include "common/report_mail.hpp"
#include "tests/unit/fake_dns.hpp"

namespace {

using namespace tlsrpt;

constexpr Seconds kDay{std::chrono::seconds{1772323200}};  // 2026-03-01T00:00:00Z

[[noreturn]] void die(std::string_view why) {
  fmt::print(stderr, "intake_bench: {}\n", why);
  std::exit(1);
}

template <typename Value>
Value must(Result<Value> result) {
  if (!result) die(result.error().detail);
  return std::move(*result);
}

// ---- the mails

struct Mail {
  std::string name;
  std::string json;
  std::string packed;  ///< gzip
  std::string base64;  ///< as it stands in the mail, in lines
  std::string text;    ///< the whole mail
};

/// One of the failure details that a large sender writes: addresses, names and words vary.
std::string failure_details(std::mt19937& random) {
  constexpr std::string_view kTypes[] = {"certificate-expired", "starttls-not-supported",
                                         "certificate-host-mismatch", "validation-failure",
                                         "sts-webpki-invalid"};
  constexpr std::string_view kReasons[] = {"X509_V_ERR_CERT_HAS_EXPIRED", "5.7.10 STARTTLS refused",
                                           "tls: handshake failure (40)", "timeout"};
  const auto any = [&random](unsigned below) { return static_cast<unsigned>(random() % below); };
  const std::string sending =
      any(3) == 0 ? fmt::format("2001:db8:{:x}:{:x}::{:x}", any(0xffff), any(0xffff), any(0xffff))
                  : fmt::format("198.51.{}.{}", any(256), any(256));
  const std::string host = fmt::format("mx{}.mail{}.example.com", any(20), any(4));
  return fmt::format(
      R"({{"result-type":"{}","sending-mta-ip":"{}","receiving-ip":"203.0.{}.{}",)"
      R"("receiving-mx-hostname":"{}","receiving-mx-helo":"{}","failed-session-count":{},)"
      R"("additional-information":"https://support.example.net/mail/tls-failures?case={:08x}&from=outbound-smtp",)"
      R"("failure-reason-code":"{}"}})",
      kTypes[any(std::size(kTypes))], sending, any(256), any(256), host, host, 1 + any(900),
      random(), kReasons[any(std::size(kReasons))]);
}

std::string policy_result(std::mt19937& random, std::size_t number, std::size_t details) {
  std::string json = fmt::format(
      R"({{"policy":{{"policy-type":"sts","policy-string":["version: STSv1","mode: enforce",)"
      R"("mx: *.mail{0}.example.com","mx: mx.backup.example.net","max_age: 604800"],)"
      R"("policy-domain":"example{0}.com","mx-host":["*.mail{0}.example.com",)"
      R"("mx.backup.example.net"]}},"summary":{{"total-successful-session-count":{1},)"
      R"("total-failure-session-count":{2}}})",
      number, 1000 + random() % 90000, details == 0 ? 0 : 450 * details);
  if (details > 0) json += R"(,"failure-details":[)";
  for (std::size_t i = 0; i < details; ++i) {
    if (i > 0) json += ',';
    json += failure_details(random);
  }
  return json + (details > 0 ? "]}" : "}");
}

std::string report_json(std::size_t policies, std::size_t details) {
  std::mt19937 random(8460);
  std::string json =
      R"({"organization-name":"Example Mail Inc.","date-range":{"start-datetime":)"
      R"("2026-02-28T00:00:00Z","end-datetime":"2026-02-28T23:59:59Z"},"contact-info":)"
      R"("smtp-tls-reporting@example.net","report-id":"2026-02-28T00:00:00Z_example0.com",)"
      R"("policies":[)";
  for (std::size_t i = 0; i < policies; ++i) {
    if (i > 0) json += ',';
    json += policy_result(random, i, details);
  }
  return json + "]}";
}

/// What servers and filters on the way put in front.
std::string trace_fields() {
  std::string fields;
  for (int hop = 0; hop < 3; ++hop) {
    fields += fmt::format(
        "Received: from mail-{0}.example.net (mail-{0}.example.net [203.0.113.{0}])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
        "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
        "\tby mx.example0.com (Postfix) with ESMTPS id 4XyZ{0}abcdef\r\n"
        "\tfor <tlsrpt@example0.com>; Sun,  1 Mar 2026 09:0{0}:00 +0000 (UTC)\r\n",
        hop);
  }
  return fields +
         "Authentication-Results: mx.example0.com; dkim=pass header.d=example.net header.s=s1;\r\n"
         "\tspf=pass smtp.mailfrom=example.net\r\nX-Virus-Scanned: yes\r\n";
}

DkimKey make_key() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), BIO_free);
  if (!key || !pem ||
      PEM_write_bio_PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    die("cannot make a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &data);
  return must(DkimKey::from_pem({data, static_cast<std::size_t>(size)}));
}

Mail make_mail(std::string name, std::string json, const DkimKey& key) {
  Mail mail{std::move(name), std::move(json), {}, {}, {}};
  mail.packed = gzip(mail.json);
  ReportMail report;
  report.from = "smtp-tls-reporting@example.net";
  report.to = "tlsrpt@example0.com";
  report.report_domain = "example0.com";
  report.submitter = "example.net";
  report.report_id = "2026-02-28@example.net";
  report.date_range = {kDay - std::chrono::hours{24}, kDay - std::chrono::seconds{1}};
  report.gzipped_report = mail.packed;
  report.text = "This is an aggregate TLS report from example.net for example0.com.\n";
  report.date = kDay;
  const std::string message = must(compose_report_mail(report));
  SignSettings settings;
  settings.domain = "example.net";
  settings.selector = "s1";
  settings.signed_headers = report_mail_signed_headers();
  settings.timestamp = kDay;
  mail.text = trace_fields() + must(dkim_sign(message, key, settings)) + message;

  const std::size_t begin = mail.text.find("H4sI");
  const std::size_t end = mail.text.find("--=_", begin);
  if (begin == std::string::npos || end == std::string::npos) die("no base64 in the mail");
  mail.base64 = mail.text.substr(begin, end - begin);
  return mail;
}

// ---- the limit

/// A pass of simdjson in which every value is looked at.
class JsonPass {
 public:
  virtual ~JsonPass() = default;
  virtual bool run(const simdjson::padded_string_view& json) = 0;
};

class DomPass final : public JsonPass {
 public:
  bool run(const simdjson::padded_string_view& json) override {
    simdjson::dom::element root;
    return parser_.parse(json.data(), json.size(), /*realloc_if_needed=*/false).get(root) ==
           simdjson::SUCCESS;
  }

 private:
  simdjson::dom::parser parser_;
};

class OnDemandPass final : public JsonPass {
 public:
  bool run(const simdjson::padded_string_view& json) override {
    simdjson::ondemand::document document;
    if (parser_.iterate(json).get(document) != simdjson::SUCCESS) return false;
    simdjson::ondemand::value root;
    seen_ = 0;
    return document.get_value().get(root) == simdjson::SUCCESS && walk(root) && seen_ > 0;
  }

 private:
  bool walk(simdjson::ondemand::value value) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    switch (type) {
      case simdjson::ondemand::json_type::object:
        return walk_object(value);
      case simdjson::ondemand::json_type::array:
        return walk_array(value);
      case simdjson::ondemand::json_type::string: {
        std::string_view text;
        if (value.get_string().get(text) != simdjson::SUCCESS) return false;
        seen_ += text.size();
        return true;
      }
      case simdjson::ondemand::json_type::number: {
        std::uint64_t number = 0;
        if (value.get_uint64().get(number) != simdjson::SUCCESS) return false;
        seen_ += number;
        return true;
      }
      case simdjson::ondemand::json_type::boolean:
      case simdjson::ondemand::json_type::null:
        return true;
    }
    return false;
  }
  bool walk_object(simdjson::ondemand::value value) {
    simdjson::ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto field : object) {
      std::string_view name;
      simdjson::ondemand::value member;
      if (field.unescaped_key().get(name) != simdjson::SUCCESS ||
          field.value().get(member) != simdjson::SUCCESS || !walk(member))
        return false;
      seen_ += name.size();
    }
    return true;
  }
  bool walk_array(simdjson::ondemand::value value) {
    simdjson::ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return false;
    for (auto item : array) {
      simdjson::ondemand::value element;
      if (item.get(element) != simdjson::SUCCESS || !walk(element)) return false;
    }
    return true;
  }

  simdjson::ondemand::parser parser_;
  std::uint64_t seen_ = 0;
};

/// What cannot be left out, with buffers that are there already and bytes that are known to be
/// good.
class Limit {
 public:
  explicit Limit(const Mail& mail)
      : mail_(mail),
        packed_(mail.base64.size()),
        json_(mail.json.size() + simdjson::SIMDJSON_PADDING) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) die("zlib");
  }
  ~Limit() { inflateEnd(&stream_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

  void decode() {
    // OpenSSL's decoder, line by line: its fast one takes no line ends.
    std::string_view rest = mail_.base64;
    packed_size_ = 0;
    while (!rest.empty()) {
      const std::size_t end = rest.find("\r\n");
      const int got = EVP_DecodeBlock(packed_.data() + packed_size_,
                                      reinterpret_cast<const unsigned char*>(rest.data()),
                                      static_cast<int>(end));
      if (got < 0) die("base64");
      packed_size_ += static_cast<std::size_t>(got);
      rest.remove_prefix(end + 2);
    }
    packed_size_ = mail_.packed.size();  // without what its padding stands for
  }
  void unpack() {
    inflateReset(&stream_);
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<uInt>(packed_size_);
    stream_.next_out = json_.data();
    stream_.avail_out = static_cast<uInt>(json_.size());
    if (inflate(&stream_, Z_FINISH) != Z_STREAM_END) die("inflate");
  }
  void parse(JsonPass& pass) {
    const simdjson::padded_string_view view(reinterpret_cast<const char*>(json_.data()),
                                            mail_.json.size(), json_.size());
    if (!pass.run(view)) die("simdjson");
  }

 private:
  const Mail& mail_;
  std::vector<unsigned char> packed_;
  std::vector<unsigned char> json_;
  std::size_t packed_size_ = 0;
  z_stream stream_{};
};

// ---- measuring

double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Times of one piece of work, in microseconds.
class Timer {
 public:
  Timer(unsigned repeat, clockid_t clock) : repeat_(repeat), clock_(clock) {}

  template <typename Work>
  void time(Work work) {
    const double begin = now(clock_);
    for (unsigned i = 0; i < repeat_; ++i) work();
    times_.push_back((now(clock_) - begin) / repeat_);
  }
  [[nodiscard]] double quantile(double part) {
    std::sort(times_.begin(), times_.end());
    return times_[static_cast<std::size_t>(part * static_cast<double>(times_.size() - 1))];
  }
  [[nodiscard]] double median() { return quantile(0.5); }

 private:
  unsigned repeat_;
  clockid_t clock_;
  std::vector<double> times_;
};

void check(const Mail& mail, const OpenedMessage& opened) {
  if (opened.outcomes.size() != 1 || !opened.outcomes[0].accepted() ||
      opened.outcomes[0].json != mail.json || !opened.outcomes[0].flags.empty())
    die("the mail was not read as it should be");
}

/// Highest resident size of a process that opens the mail, beyond what it has before, in KiB.
long peak_memory(const Mail& mail) {
  const auto resident = [](std::string_view name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(name)) return std::strtol(line.c_str() + name.size(), nullptr, 10);
    }
    return 0L;
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::malloc_trim(0);  // what others left is not at hand in a new process
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins here
    const long before = resident("VmRSS:");
    const std::string answer = encode_opened(open_message(mail.text));
    const long grown = answer.empty() ? 0 : resident("VmHWM:") - before;
    const bool told = ::write(ends[1], &grown, sizeof grown) == sizeof grown;
    ::_exit(told ? 0 : 1);
  }
  long grown = 0;
  if (child < 0 || ::read(ends[0], &grown, sizeof grown) != sizeof grown)
    die("no figure of memory");
  ::close(ends[0]);
  ::close(ends[1]);
  ::waitpid(child, nullptr, 0);
  return grown;
}

void line(std::string_view what, Timer& timer, std::string_view note = "") {
  fmt::print("  {:<42}{:>11.1f} {:>11.1f} {:>11.1f}  {}\n", what, timer.median(),
             timer.quantile(0.1), timer.quantile(0.9), note);
}

void measure(const Mail& mail, unsigned rounds, unsigned repeat, ConfinedMessageOpener& confined,
             FakeDns& dns) {
  fmt::print("\n{}: {} bytes of JSON, {} as gzip, {} of mail\n", mail.name, mail.json.size(),
             mail.packed.size(), mail.text.size());
  fmt::print("  {:<42}{:>11} {:>11} {:>11}\n", "us of CPU, of one thread", "median", "10 %",
             "90 %");
  const auto timer = [repeat] { return Timer(repeat, CLOCK_THREAD_CPUTIME_ID); };
  Timer decode = timer(), unpack = timer(), dom = timer(), on_demand = timer(), limit = timer();
  Timer ours = timer(), encode = timer(), decode_answer = timer(), dkim = timer();
  Timer process(1, CLOCK_MONOTONIC);

  Limit least(mail);
  DomPass dom_pass;
  OnDemandPass on_demand_pass;
  least.decode();
  least.unpack();
  least.parse(dom_pass);
  const OpenedMessage opened = open_message(mail.text);
  check(mail, opened);
  const std::string answer = encode_opened(opened);
  check(mail, must(decode_opened(answer)));
  VerifySettings settings;
  settings.aligned_with = "example.net";
  settings.now = kDay;

  for (unsigned round = 0; round < rounds; ++round) {
    decode.time([&] { least.decode(); });
    unpack.time([&] { least.unpack(); });
    dom.time([&] { least.parse(dom_pass); });
    on_demand.time([&] { least.parse(on_demand_pass); });
    JsonPass& faster =
        dom.median() < on_demand.median() ? static_cast<JsonPass&>(dom_pass) : on_demand_pass;
    limit.time([&] {
      least.decode();
      least.unpack();
      least.parse(faster);
    });
    ours.time([&] { open_message(mail.text); });
  }
  // Apart from the reader, whose process does none of this: OpenSSL leaves holes in the memory.
  for (unsigned round = 0; round < rounds; ++round) {
    encode.time([&] { encode_opened(opened); });
    decode_answer.time([&] { decode_opened(answer); });
    dkim.time([&] {
      if (dkim_verify(mail.text, dns, settings).status != DkimStatus::pass) die("DKIM");
    });
    process.time([&] { check(mail, must(confined.open(mail.text))); });
  }
  line("base64 (EVP_DecodeBlock, by line)", decode);
  line("inflate (zlib, all at once)", unpack);
  line("simdjson DOM", dom);
  line("simdjson On-Demand, every value", on_demand);
  line("(a) the limit: all three", limit);
  line("(b) open_message", ours,
       fmt::format("(b)/(a) = {:.2f}, aim <= 2", ours.median() / limit.median()));
  line("outcome to bytes", encode);
  line("bytes to outcome", decode_answer);
  line("DKIM, rsa-sha256, 2048 bits, key at hand", dkim);
  line("wall clock: ConfinedMessageOpener::open", process, "a process for this mail alone");
  fmt::print("  peak memory of reading it, answer included: {} KiB\n", peak_memory(mail));
}

}  // namespace

int main() {
  // First, while there is one thread and little memory to fork.
  const auto confined = must(ConfinedMessageOpener::start({}));
  const DkimKey key = make_key();
  FakeDns dns;
  dns.add_txt("s1._domainkey.example.net",
              "v=DKIM1; k=rsa; s=tlsrpt; p=" + key.public_key_base64());
  fmt::print("simdjson {} ({}), zlib {}, OpenSSL {}\n", SIMDJSON_STRINGIFY(SIMDJSON_VERSION),
             simdjson::get_active_implementation()->name(), zlibVersion(),
             OpenSSL_version(OPENSSL_VERSION_STRING));
  // Short enough that an interrupt spoils few of them: it hits the longer work more often.
  measure(make_mail("1 policy", report_json(1, 1), key), 501, 10, *confined, dns);
  measure(make_mail("1 policy with 50 details", report_json(1, 50), key), 301, 3, *confined, dns);
  measure(make_mail("100 policies with 126 details each", report_json(100, 126), key), 21, 1,
          *confined, dns);
}
