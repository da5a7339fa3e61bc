-- A received.db as version 1 of its schema had it, with three reports.
CREATE TABLE report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity BLOB NOT NULL UNIQUE,
  received_at INTEGER NOT NULL,
  source TEXT,
  dkim TEXT,
  dkim_domain TEXT,
  dkim_reason TEXT,
  from_domain TEXT,
  submitter TEXT,
  queue_id TEXT,
  message_id TEXT,
  organization_name TEXT,
  contact_info TEXT,
  report_id TEXT,
  start_datetime INTEGER NOT NULL,
  end_datetime INTEGER NOT NULL,
  flags TEXT,
  failing INTEGER NOT NULL,
  json BLOB
);
CREATE INDEX report_by_range ON report (end_datetime, start_datetime);
CREATE INDEX report_failing_by_range ON report (end_datetime, start_datetime) WHERE failing = 1;
CREATE INDEX report_by_arrival ON report (received_at);

CREATE TABLE policy (
  policy_domain TEXT NOT NULL,
  end_datetime INTEGER NOT NULL,
  report INTEGER NOT NULL,
  position INTEGER NOT NULL,
  policy_type TEXT,
  policy_string TEXT,
  mx_host TEXT,
  total_successful_session_count INTEGER,
  total_failure_session_count INTEGER,
  failing INTEGER NOT NULL,
  PRIMARY KEY (policy_domain, end_datetime, report, position)
);
CREATE INDEX policy_by_report ON policy (report, position);

CREATE TABLE failure (
  policy_domain TEXT NOT NULL,
  report INTEGER NOT NULL,
  policy INTEGER NOT NULL,
  position INTEGER NOT NULL,
  result_type TEXT,
  sending_mta_ip TEXT,
  receiving_mx_hostname TEXT,
  receiving_mx_helo TEXT,
  receiving_ip TEXT,
  failed_session_count INTEGER,
  additional_information TEXT,
  failure_reason_code TEXT,
  PRIMARY KEY (policy_domain, report, policy, position)
);

CREATE TABLE refused (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint BLOB NOT NULL UNIQUE,
  times INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  source TEXT,
  dkim TEXT,
  dkim_domain TEXT,
  dkim_reason TEXT,
  from_domain TEXT,
  submitter TEXT,
  queue_id TEXT,
  message_id TEXT,
  refusal TEXT,
  detail TEXT,
  subject TEXT,
  size INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  bytes BLOB
);
CREATE INDEX refused_by_arrival ON refused (received_at, kept);

CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
);
INSERT INTO report VALUES (1, x'1d02f317ec7f8ed147e01bc2bcad8706f0f8bcc3a38ce1d6e0dce097e2a2db33', 1772438400, 'file', 'none', NULL, NULL, NULL, 'sender.example', NULL, NULL, 'Sender Ltd', 'tlsrpt@sender.example', 'id-0', 1772323200, 1772409599, NULL, 1, x'1f8b08000000000000ff7590c14a04310c865f65e8d94a771605e7e403785b4f2b1e429b59029db6b429cc38f8ee36333a1795069aa65ffefc645531df20d00730c5a0034ca8864e5d3038ccdd0b3b75d729078c3a43b8c9dfaa0a43662d45a61def4dffa8cd599bd3ab31c31657696c2aff71fd7978786a71559f0db4313058d614c62820fb92133f97cdc63dce30258fa29831c5369c9c50e4b491628a9e2c6169b5b7757f2d9bd33dd5bca46d7ce172e08b7671020a529f8f09e2a5d46982bc0b7064f0ba546bb194b1b6b4ddb2281b6be0869c8c31ad67e746205f33fe8644f6e7d321b7ecdb6bc6523d1f062d66a691acec1be74419b7fd4b2bba3f64dfdbf902cca2588bc2010000');
INSERT INTO report VALUES (2, x'eefea2ddb58a0930756707203d756dda6f07a103074bb3ceac80d20ffac5a8bf', 1772438400, 'file', 'none', NULL, NULL, NULL, 'sender.example', NULL, NULL, 'Sender Ltd', 'tlsrpt@sender.example', 'id-1', 1772323200, 1772409599, NULL, 1, x'1f8b08000000000000ff7590c14a04310c865f65e8d94a771605e7e403785b4f2b1e429b59029db6b429cc38f8ee36333a1795069aa65ffefc645531df20d00730c5a0034ca8864e5d3038ccdd0b3b75d729078c3a43b8c9dfaa0a43662d45a61def4dffa8cd599bd3ab31c31657696c2aff71fd7978786a71559f0db4313058d614c62820fb92133f97cdc63dce30258fa29831c5369c9c50e4f4498a297ab284a5d5ded6fdb56c4ef754f392b6f185cb812fdac50928487d3e26889752a709f22ec091c1eb52adc552c6dad276cba26cac811b7232c6b49e9d1b817ccdf81b12d99f4f87dcb26faf194bf57c18b4989946b2b26f9c1365dcf62fade8fe907d6fe70bd0235484c2010000');
INSERT INTO report VALUES (3, x'4a1846d46e66e9bf8f64fe72a5d0c12ff5bf63c139adc33ae6f72965632bb20b', 1772438400, 'file', 'none', NULL, NULL, NULL, 'sender.example', NULL, NULL, 'Sender Ltd', 'tlsrpt@sender.example', 'id-2', 1772323200, 1772409599, NULL, 1, x'1f8b08000000000000ff7590c14a04310c865f65e8d94a771605e7e403785b4f2b1e429b59029db6b429cc38f8ee36333a1795069aa65ffefc645531df20d00730c5a0034ca8864e5d3038ccdd0b3b75d729078c3a43b8c9dfaa0a43662d45a61def4dffa8cd599bd3ab31c31657696c2aff71fd7978786a71559f0db4313058d614c62820fb92133f97cdc63dce30258fa29831c5369c9c50e4742fc5143d59c2d26a6febfe5a36a77baa7949dbf8c2e5c017ede20414a43e1f13c44ba9d3047917e0c8e075a9d66229636d69bb655136d6c00d3919635acfce8d40be66fc0d89eccfa7436ed9b7d78ca57a3e0c5acc4c2359d937ce89326efb9756747fc8beb7f305f4a04195c2010000');
INSERT INTO policy VALUES ('x.example', 1772409599, 1, 0, 'sts', NULL, NULL, 1000, 1, 1);
INSERT INTO policy VALUES ('x.example', 1772409599, 2, 0, 'sts', NULL, NULL, 1000, 1, 1);
INSERT INTO policy VALUES ('x.example', 1772409599, 3, 0, 'sts', NULL, NULL, 1000, 1, 1);
INSERT INTO failure VALUES ('x.example', 1, 0, 0, 'certificate-expired', NULL, NULL, NULL, NULL, 1, NULL, NULL);
INSERT INTO failure VALUES ('x.example', 2, 0, 0, 'certificate-expired', NULL, NULL, NULL, NULL, 1, NULL, NULL);
INSERT INTO failure VALUES ('x.example', 3, 0, 0, 'certificate-expired', NULL, NULL, NULL, NULL, 1, NULL, NULL);
INSERT INTO counter VALUES ('mails_seen', 7);
PRAGMA user_version=1;
