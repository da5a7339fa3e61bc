# SPDX-License-Identifier: BSD-2-Clause
#
# Mail::DKIM as a filter: a JSON list of tasks in, a JSON list of answers out.
#
# Task: {"do": "verify", "message": base64, "records": {name: text}}
#   or  {"do": "sign", "message": base64, "key_file": path, "domain": d, "selector": s,
#        "canon": ["relaxed", "simple"]}
# Answer: the result's detail ("pass", ...), or the signed message in base64.

use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use MIME::Base64;
use Net::DNS;

# Stands in for Net::DNS::Resolver: answers from the task's records.
package LocalResolver {
    sub new { my ($class, $records) = @_; return bless { records => $records }, $class; }
    sub errorstring { return 'NOERROR'; }

    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type);
        my $text = $self->{records}{$name};
        return $packet if !defined $text;
        my @strings = $text =~ /(.{1,255})/gs;
        my $record = Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => \@strings);
        $packet->push(answer => $record);
        return $packet;
    }

    sub bgsend { my ($self, @question) = @_; return $self->send(@question); }
    sub bgbusy { return 0; }
    sub bgread { my ($self, $packet) = @_; return $packet; }
}

package main;

sub verify {
    my ($task, $message) = @_;
    Mail::DKIM::DNS::resolver(LocalResolver->new($task->{records}));
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($message);
    $verifier->CLOSE;
    return $verifier->result_detail;
}

sub sign {
    my ($task, $message) = @_;
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256',
        Method    => join('/', @{ $task->{canon} }),
        Domain    => $task->{domain},
        Selector  => $task->{selector},
        KeyFile   => $task->{key_file},
    );
    $signer->PRINT($message);
    $signer->CLOSE;
    return encode_base64($signer->signature->as_string . "\r\n" . $message, '');
}

sub answer {
    my ($task) = @_;
    my $message = decode_base64($task->{message});
    my $result = eval { $task->{do} eq 'sign' ? sign($task, $message) : verify($task, $message) };
    return defined $result ? $result : "error: $@";
}

my $tasks = decode_json(do { local $/; <STDIN> });
print encode_json([map { answer($_) } @$tasks]);
