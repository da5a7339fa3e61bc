// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <array>
#include <limits>

#include "common/config.hpp"

namespace tlsrpt {

namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;
constexpr std::int64_t kDay = 86400;
constexpr std::string_view kActions = "accept discard reject tempfail quarantine";
constexpr std::string_view kAll = "milter reports collector reporter policy check";

using enum ValueType;

// In the order of enum Key; the static_assert below checks it.
constexpr std::array kTable = {
    KeyInfo{Key::add_header, "AddHeader", boolean, "no", 0, 0, "", "milter",
            "Add a TLSRPT-Results header that says what became of it to a report mail that is "
            "accepted."},
    KeyInfo{Key::background, "Background", boolean, "no", 0, 0, "",
            "milter collector reporter policy",
            "Leave the terminal and run as a daemon. Not needed under systemd."},
    KeyInfo{Key::bounce_limit, "BounceLimit", integer, "3", 1, 1000, "", "reporter",
            "After so many reports that could not be delivered a destination is left out for "
            "SuppressTime."},
    KeyInfo{Key::contact_info, "ContactInfo", text, "", 0, 0, "", "reporter",
            "Address that receivers of your reports may write to; its domain is the submitter."},
    KeyInfo{Key::dane_only, "DaneOnly", domains, "", 0, 0, "", "collector",
            "Domains to which the MTA sends with DANE only (Postfix: dane-only); one without it is "
            "reported as dane-required."},
    KeyInfo{
        Key::database, "Database", text, "sqlite:/var/lib/opentlsrpt", 0, 0, "", kAll,
        "Where data is kept: sqlite: and a folder, in which received.db and outbound.db are made."},
    KeyInfo{Key::destination_connections, "DestinationConnections", integer, "4", 1, 1000, "",
            "reporter", "How many reports are posted to one destination host at the same time."},
    KeyInfo{Key::destination_rate, "DestinationRate", integer, "600", 0, 1000000, "", "reporter",
            "How many reports a minute go to one destination host; 0 for no limit."},
    KeyInfo{Key::destination_rules, "DestinationRules", path, "", 0, 0, "", "reporter",
            "File that says which domains and addresses get no reports, others', or copies."},
    KeyInfo{Key::dkim_timeout, "DKIMTimeout", duration, "15s", 1, 120, "", "milter reports",
            "How long all key look-ups of one mail may take together; the last one may still last "
            "DNSTimeout."},
    KeyInfo{Key::dns_timeout, "DNSTimeout", duration, "5s", 1, 120, "",
            "milter reports reporter collector policy check",
            "How long one DNS question may take, retries included."},
    KeyInfo{
        Key::domain, "Domain", text, "", 0, 0, "", "reporter",
        "The d= of your DKIM signature; by default the domain of ContactInfo, and equal to it."},
    KeyInfo{Key::envelope_sender, "EnvelopeSender", text, "", 0, 0, "", "reporter",
            "Envelope sender of reports, where bounces go; by default ReportFrom."},
    KeyInfo{Key::fetch_timeout, "FetchTimeout", duration, "60s", 1, 300, "",
            "collector policy check", "How long fetching an MTA-STS policy may take."},
    KeyInfo{Key::flush_interval, "FlushInterval", duration, "1s", 1, 60, "", "collector",
            "How often outcomes are written to the database; what a power failure can lose."},
    KeyInfo{Key::http_certificate, "HTTPCertificate", path, "", 0, 0, "", "reports",
            "PEM file with the certificate and its chain for serve; without it, serve speaks plain "
            "HTTP."},
    KeyInfo{Key::http_connections, "HTTPConnections", integer, "64", 1, 10000, "", "reports",
            "How many connections serve has open at the same time."},
    KeyInfo{Key::http_connections_per_source, "HTTPConnectionsPerSource", integer, "10", 0, 10000,
            "", "reports",
            "How many of them one source may have, TrustedProxies apart; 0 for no bound."},
    KeyInfo{Key::http_key, "HTTPKey", path, "", 0, 0, "", "reports",
            "PEM file with the private key of HTTPCertificate."},
    KeyInfo{Key::http_path, "HTTPPath", text, "/report", 0, 0, "", "reports",
            "Path of the https: rua."},
    KeyInfo{Key::http_rate, "HTTPRate", integer, "300", 0, 1000000, "", "reports",
            "How many reports one source may post in a minute; 0 for no limit."},
    KeyInfo{Key::http_socket, "HTTPSocket", text, "inet:8460@127.0.0.1", 0, 0, "", "reports",
            "Where serve listens: inet:PORT@HOST, inet6:PORT@HOST, local:PATH or unix:PATH."},
    KeyInfo{Key::http_timeout, "HTTPTimeout", duration, "60s", 1, 600, "", "reports",
            "How long a whole request may take to arrive, and its answer to be taken."},
    KeyInfo{Key::include, "Include", path, "", 0, 0, "", kAll, "Read another file at this place."},
    KeyInfo{Key::journal_folder, "JournalFolder", path, "/run/opentlsrpt-collector", 0, 0, "",
            "collector",
            "Where outcomes are noted that are not in the database yet, so that kill -9 loses "
            "none; if it is not there, beside the database."},
    KeyInfo{Key::keep_days, "KeepDays", integer, "400", 0, 36500, "", "milter reports",
            "Days for which received reports are kept; 0 keeps them forever."},
    KeyInfo{Key::key_file, "KeyFile", list, "", 0, 0, "", "reporter",
            "PEM files with the private DKIM keys; each signs every report. One RSA key, or an RSA "
            "and an Ed25519 key."},
    KeyInfo{Key::log_file, "LogFile", list, "", 0, 0, "", "collector policy",
            "Logs of MTAs that cannot report sessions themselves, to be followed; rotation is "
            "noticed."},
    KeyInfo{Key::log_ignore_relays, "LogIgnoreRelays", list, "", 0, 0, "", "collector",
            "Relays in the log that are your smarthosts or gateways, as glob patterns: sessions "
            "with them are not counted."},
    KeyInfo{Key::log_journal, "LogJournal", boolean, "no", 0, 0, "", "collector policy",
            "Follow the systemd journal (facility mail) as LogFile is followed."},
    KeyInfo{Key::log_precedence, "LogPrecedence", choice, "unknown", 0, 0, "unknown dane sts",
            "collector",
            "Which policy the MTA follows where TLSA records and an MTA-STS policy both apply: "
            "dane with opentlsrpt-policy, sts where a policy map hides DANE."},
    KeyInfo{Key::log_probe, "LogProbe", boolean, "yes", 0, 0, "", "collector",
            "Look at the certificate of an MX host by an own TLS session, a few times a day, where "
            "the log does not tell whether it fits an MTA-STS policy."},
    KeyInfo{Key::log_sessions, "LogSessions", choice, "all", 0, 0, "all sts-testing",
            "collector policy",
            "Which sessions in the log are counted: sts-testing is for MTAs that report all others "
            "over OutcomeSocket."},
    KeyInfo{Key::log_trust_store, "LogTrustStore", choice, "auto", 0, 0, "auto yes no", "collector",
            "Whether the MTA has certificates of authorities, so that its word Untrusted means "
            "something; auto judges by the log."},
    KeyInfo{Key::log_why, "LogWhy", boolean, "no", 0, 0, "", "milter collector reporter policy",
            "Log why each decision was taken."},
    KeyInfo{Key::maximum_age, "MaximumAge", duration, "7d", kDay, 400 * kDay, "", "reporter",
            "Reports about days that ended longer ago are not sent any more."},
    KeyInfo{Key::maximum_compressed_size, "MaximumCompressedSize", bytes, "16M", kKiB, kGiB, "",
            "milter reports", "Largest gzip or zip that is unpacked."},
    KeyInfo{Key::maximum_compression_ratio, "MaximumCompressionRatio", integer, "1000", 10, 1000000,
            "", "milter reports",
            "How many times its packed size a report may unpack to; looked at above 1 MiB."},
    KeyInfo{Key::maximum_details, "MaximumDetails", integer, "100000", 0, 10000000, "",
            "milter reports",
            "Failure details kept of one report; further ones are left out and flagged."},
    KeyInfo{Key::maximum_failure_details, "MaximumFailureDetails", integer, "1000", 1, 100000, "",
            "collector",
            "Distinct failures kept for one policy and day; further ones are folded into one entry "
            "for each result type."},
    KeyInfo{Key::maximum_headers, "MaximumHeaders", bytes, "256K", 4 * kKiB, 16 * kMiB, "",
            "milter reports", "Largest header section of a message or part."},
    KeyInfo{Key::maximum_json_depth, "MaximumJSONDepth", integer, "32", 5, 1000, "",
            "milter reports", "How deeply arrays and objects of a report may nest."},
    KeyInfo{Key::maximum_json_members, "MaximumJSONMembers", integer, "1000000", 100, 100000000, "",
            "milter reports", "Members and array elements of one report, also unknown ones."},
    KeyInfo{Key::maximum_keys, "MaximumKeys", integer, "1000000", 1, 100000000, "", "collector",
            "Policies of recipient domains counted for one day; sessions under further ones are "
            "counted together, without their domain."},
    KeyInfo{Key::maximum_message_size, "MaximumMessageSize", bytes, "32M", 64 * kKiB, kGiB, "",
            "milter reports",
            "Largest report mail that is read; larger ones are recorded as refused."},
    KeyInfo{Key::maximum_mime_depth, "MaximumMIMEDepth", integer, "10", 1, 100, "",
            "milter reports", "How deeply parts of a message may nest."},
    KeyInfo{Key::maximum_mime_parts, "MaximumMIMEParts", integer, "100", 1, 10000, "",
            "milter reports", "How many parts a message may have."},
    KeyInfo{Key::maximum_packings, "MaximumPackings", integer, "2", 1, 10, "", "milter reports",
            "How many gzip or zip containers may be packed inside of each other."},
    KeyInfo{Key::maximum_policies, "MaximumPolicies", integer, "10000", 1, 1000000, "",
            "milter reports", "How many policies one report may have."},
    KeyInfo{Key::maximum_refused_size, "MaximumRefusedSize", bytes, "100M", 0, 100 * kGiB, "",
            "milter reports", "Room for the bytes of refused mails; the oldest make place."},
    KeyInfo{Key::maximum_report_size, "MaximumReportSize", bytes, "16M", 64 * kKiB, kGiB, "",
            "milter reports", "Largest report after unpacking."},
    KeyInfo{Key::maximum_reports, "MaximumReports", integer, "100", 1, 100000, "", "milter reports",
            "How many reports one message or file may hold."},
    KeyInfo{Key::maximum_reports_per_day, "MaximumReportsPerDay", integer, "20000", 0, 1000000000,
            "", "milter reports",
            "New reports taken of one sender in a day; further ones are put off; 0 for no limit."},
    KeyInfo{Key::maximum_rua, "MaximumRua", integer, "16", 1, 1000, "", "reporter",
            "How many destinations of one record are served."},
    KeyInfo{Key::maximum_spool_size, "MaximumSpoolSize", bytes, "256M", kMiB, 100 * kGiB, "",
            "milter reports",
            "Memory for all report mails, or bodies, in transit together; when it is used up, "
            "On-InternalError decides, or serve answers 503."},
    KeyInfo{Key::maximum_string_length, "MaximumStringLength", bytes, "16K", 256, kMiB, "",
            "milter reports", "Longest text of a report; what is longer is cut and flagged."},
    KeyInfo{Key::maximum_strings, "MaximumStrings", integer, "10000", 1, 1000000, "",
            "milter reports",
            "Texts kept of one policy-string or mx-host; further ones are left out and flagged."},
    KeyInfo{Key::maximum_zip_members, "MaximumZipMembers", integer, "100", 1, 65534, "",
            "milter reports", "How many members a zip archive may have."},
    KeyInfo{Key::milter_debug, "MilterDebug", integer, "0", 0, 6, "", "milter",
            "Debug level of libmilter; it prints to standard output."},
    KeyInfo{
        Key::nameserver, "Nameserver", list, "", 0, 0, "",
        "milter reports reporter collector policy check",
        "Validating resolvers, as address or address:port; by default those of /etc/resolv.conf."},
    KeyInfo{Key::on_bad_report, "On-BadReport", choice, "accept", 0, 0, kActions, "milter",
            "Answer to a mail that claims to be a report and is not acceptable; it is recorded in "
            "any case."},
    KeyInfo{Key::on_default, "On-Default", choice, "accept", 0, 0, kActions, "milter",
            "Answer to a mail to a report address that does not claim to be a report."},
    KeyInfo{Key::on_dns_error, "On-DNSError", choice, "tempfail", 0, 0, kActions, "milter",
            "Answer when a DKIM key cannot be looked up."},
    KeyInfo{Key::on_internal_error, "On-InternalError", choice, "tempfail", 0, 0, kActions,
            "milter", "Answer when a report cannot be stored; tempfail makes the sender keep it."},
    KeyInfo{Key::on_success, "On-Success", choice, "accept", 0, 0, kActions, "milter",
            "Answer to a report mail once its report is stored: accept delivers it as well, "
            "discard takes it out of the mail."},
    KeyInfo{Key::organization_name, "OrganizationName", text, "", 0, 0, "", "reporter",
            "The organization-name of your reports."},
    KeyInfo{Key::outcome_retention, "OutcomeRetention", duration, "10d", 2 * kDay, 400 * kDay, "",
            "collector reporter", "How long outcomes and sent reports are kept."},
    KeyInfo{Key::outcome_socket, "OutcomeSocket", list, "/var/spool/postfix/run/tlsrpt/tlsrpt.sock",
            0, 0, "", "collector policy", "Datagram sockets where MTAs report their sessions."},
    KeyInfo{
        Key::outcome_socket_group, "OutcomeSocketGroup", text, "postfix", 0, 0, "",
        "collector policy",
        "Group of the outcome socket; its members may write to it. Empty: the group of UserID."},
    KeyInfo{Key::outcome_socket_mode, "OutcomeSocketMode", octal, "0660", 0, 0777, "",
            "collector policy",
            "Mode of the outcome socket. Who may write to it may forge outcomes."},
    KeyInfo{Key::outcome_stream_socket, "OutcomeStreamSocket", list, "", 0, 0, "", "collector",
            "Stream sockets that take outcomes as lines, for Exim and scripts; group and mode are "
            "those of OutcomeSocket."},
    KeyInfo{Key::peer_list, "PeerList", list, "", 0, 0, "", "milter",
            "Clients whose mail is not looked at: addresses, networks (192.0.2.0/24), names, "
            ".domains."},
    KeyInfo{Key::pid_file, "PidFile", path, "", 0, 0, "",
            "milter reports collector reporter policy",
            "File for the process number; %p in it stands for the name of the program."},
    KeyInfo{Key::policy_connections, "PolicyConnections", integer, "512", 1, 65536, "", "policy",
            "Connections of MTAs that are served at once; further ones wait."},
    KeyInfo{Key::policy_dane, "PolicyDANE", boolean, "yes", 0, 0, "", "policy",
            "The MTA does DANE: domains whose MX hosts have TLSA records are left to it."},
    KeyInfo{Key::policy_domains, "PolicyDomains", domains, "", 0, 0, "", "milter reports",
            "Your mail domains and MX hosts; reports about others are kept apart. Empty: no "
            "check."},
    KeyInfo{Key::policy_failure, "PolicyFailure", choice, "record", 0, 0, "record attribute",
            "policy",
            "How a policy that cannot be refreshed is reported: record notes it beside the "
            "session; attribute tells Postfix, which then defers the mail."},
    KeyInfo{Key::policy_socket, "PolicySocket", list,
            "local:/var/spool/postfix/run/tlsrpt/policy.sock", 0, 0, "", "policy",
            "Where the MTA asks for policies (socketmap): local:PATH, unix:PATH, inet:PORT@HOST or "
            "inet6:PORT@HOST."},
    KeyInfo{Key::policy_timeout, "PolicyTimeout", duration, "20s", 1, 90, "", "policy",
            "How long the MTA may wait for the first policy of a domain."},
    KeyInfo{Key::post_certificate_errors, "PostCertificateErrors", choice, "tolerate", 0, 0,
            "tolerate refuse", "reporter",
            "What to do if the certificate of an https: destination is not valid."},
    KeyInfo{Key::post_connections, "PostConnections", integer, "8", 1, 1000, "", "reporter",
            "How many reports are posted at the same time."},
    KeyInfo{Key::post_networks, "PostNetworks", list, "", 0, 0, "",
            "reporter collector policy check",
            "Private addresses and networks that destinations and policy hosts may have all the "
            "same."},
    KeyInfo{Key::post_timeout, "PostTimeout", duration, "60s", 1, 600, "", "reporter",
            "How long posting one report may take."},
    KeyInfo{Key::report_address, "ReportAddress", list, "", 0, 0, "", "milter",
            "Recipient addresses of reports, those of your rua. Sub-addresses (local+anything@) "
            "belong to them."},
    KeyInfo{Key::report_from, "ReportFrom", text, "", 0, 0, "", "reporter",
            "From address of reports, in the domain of ContactInfo; by default ContactInfo."},
    KeyInfo{Key::report_success, "ReportSuccess", boolean, "yes", 0, 0, "", "reporter",
            "Also send reports without failures; they are the heartbeat."},
    KeyInfo{Key::reader_timeout, "ReaderTimeout", duration, "30s", 1, 600, "", "milter reports",
            "How long the confined process may take to read one message."},
    KeyInfo{Key::selector, "Selector", list, "", 0, 0, "", "reporter",
            "The s= of your DKIM signature; one for each KeyFile, in the same order."},
    KeyInfo{Key::send_window, "SendWindow", duration, "4h", 0, kDay - 3600, "", "reporter",
            "Reports of a day are sent at random times within this span after midnight UTC."},
    KeyInfo{Key::sendmail_path, "SendmailPath", path, "", 0, 0, "", "reporter",
            "Program that takes the reports instead of SMTPServer; called with -t -i -f."},
    KeyInfo{Key::smtp_connections, "SMTPConnections", integer, "4", 1, 100, "", "reporter",
            "How many connections to SMTPServer, or calls of SendmailPath, are open at the same "
            "time."},
    KeyInfo{Key::smtp_password_file, "SMTPPasswordFile", path, "", 0, 0, "", "reporter",
            "File with the password of SMTPUser in its first line."},
    KeyInfo{Key::smtp_server, "SMTPServer", list, "127.0.0.1:25", 0, 0, "", "reporter",
            "MTAs that take the reports, tried in this order: host, host:port, lmtp:host:port or "
            "lmtp:/path."},
    KeyInfo{Key::smtp_timeout, "SMTPTimeout", duration, "60s", 1, 600, "", "reporter",
            "How long handing over one report may take."},
    KeyInfo{Key::smtp_tls, "SMTPTLS", choice, "may", 0, 0, "may encrypt verify", "reporter",
            "TLS to SMTPServer: may uses it if offered, encrypt insists on it, verify on a valid "
            "certificate as well."},
    KeyInfo{Key::smtp_user, "SMTPUser", text, "", 0, 0, "", "reporter",
            "Name for AUTH at SMTPServer; the password stands in SMTPPasswordFile."},
    KeyInfo{Key::socket, "Socket", text, "local:/run/opentlsrpt/milter.sock", 0, 0, "", "milter",
            "Where the MTA reaches the milter: local:PATH, unix:PATH, inet:PORT@HOST or "
            "inet6:PORT@HOST."},
    KeyInfo{Key::socket_group, "SocketGroup", text, "", 0, 0, "", "milter reports",
            "Group of a local Socket or HTTPSocket; Postfix or the proxy needs to be a member."},
    KeyInfo{Key::strict_alignment, "StrictAlignment", boolean, "no", 0, 0, "", "milter reports",
            "Accept only signatures whose d= equals the From domain."},
    KeyInfo{Key::strict_records, "StrictRecords", boolean, "no", 0, 0, "", "reporter",
            "Take only TLSRPT records that follow the grammar to the letter."},
    KeyInfo{Key::strict_service_type, "StrictServiceType", boolean, "no", 0, 0, "",
            "milter reports", "Do not accept DKIM keys that are for s=email only."},
    KeyInfo{Key::suppress_time, "SuppressTime", duration, "30d", 3600, 400 * kDay, "", "reporter",
            "How long a destination that does not take reports is left out."},
    KeyInfo{Key::syslog, "Syslog", boolean, "no", 0, 0, "",
            "milter reports collector reporter policy",
            "Log to syslog; otherwise to standard error."},
    KeyInfo{Key::syslog_facility, "SyslogFacility", choice, "mail", 0, 0,
            "auth authpriv cron daemon kern local0 local1 local2 local3 local4 local5 local6 "
            "local7 lpr mail news user uucp",
            "milter reports collector reporter policy", "Facility of syslog lines."},
    KeyInfo{Key::syslog_level, "SyslogLevel", choice, "info", 0, 0, "err warning notice info debug",
            "milter reports collector reporter policy", "Lines below this level are not written."},
    KeyInfo{Key::trust_file, "TrustFile", path, "", 0, 0, "", "collector policy check",
            "Certificates of the authorities that are trusted, in place of the system's."},
    KeyInfo{Key::trusted_proxies, "TrustedProxies", list, "", 0, 0, "", "reports",
            "Addresses and networks whose X-Forwarded-For or Forwarded is believed."},
    KeyInfo{Key::umask, "UMask", octal, "0007", 0, 0777, "",
            "milter reports collector reporter policy",
            "Mode bits taken from the files and local sockets that the daemons make."},
    KeyInfo{Key::user_id, "UserID", text, "", 0, 0, "", "milter reports collector reporter policy",
            "user[:group] to become after start as root."},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].key != static_cast<Key>(i)) return false;
  }
  return kTable.back().key == Key::user_id;
}
static_assert(in_order(), "kTable must list every Key once, in the order of the enumeration");

}  // namespace

std::span<const KeyInfo> config_table() { return kTable; }

const KeyInfo& key_info(Key key) { return kTable.at(static_cast<std::size_t>(key)); }

}  // namespace tlsrpt
