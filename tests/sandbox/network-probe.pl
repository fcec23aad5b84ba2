# SPDX-License-Identifier: Apache-2.0
# Tries one thing of the network, and prints what came of it: an answer, or why not. What gets no answer ends by an alarm, after so many seconds as PATIENCE says.
use strict;
use warnings;
use Socket qw(:all);

my ($what, @rest) = @ARGV;
$| = 1;
alarm($ENV{PATIENCE} // 60);

sub over { print "@_\n"; exit 0 }
sub failed { over("$_[0]: $!") }

sub address {
    my ($host, $port, $kind) = @_;
    my ($why, @found) = getaddrinfo($host, $port, { socktype => $kind });
    over("name: $why") if $why;
    return $found[0];
}

sub answered {
    my ($socket) = @_;
    defined(sysread($socket, my $text, 100)) or failed('read');
    over($text);
}

sub contact {
    my ($kind, $host, $port, @options) = @_;
    my $to = address($host, $port, $kind);
    socket(my $socket, $to->{family}, $kind, 0) or failed('socket');
    for my $option (@options) { setsockopt($socket, SOL_SOCKET, $option->[0], $option->[1]) or failed('option') }
    if ($kind == SOCK_STREAM) {
        connect($socket, $to->{addr}) or failed('connect');
        syswrite($socket, 'hello') or failed('write');
    } else {
        send($socket, 'hello', 0, $to->{addr}) or failed('send');
        # A datagram may be lost, as the first one is while an address is looked for.
        for (1 .. 3) {
            my $ready = '';
            vec($ready, fileno($socket), 1) = 1;
            last if select($ready, undef, undef, 1);
            send($socket, 'hello', 0, $to->{addr}) or failed('send');
        }
    }
    answered($socket);
}

my $bound = [25, "plinth\0"];
my $direct = [5, pack('i', 1)];
my %tries = (
    tcp => sub { contact(SOCK_STREAM, @rest) },
    udp => sub { contact(SOCK_DGRAM, @rest) },
    'tcp-bound' => sub { contact(SOCK_STREAM, @rest, $bound) },
    'udp-bound' => sub { contact(SOCK_DGRAM, @rest, $bound) },
    'udp-direct' => sub { contact(SOCK_DGRAM, @rest, $direct, $bound) },
    raw => sub { socket(my $socket, AF_INET, SOCK_RAW, 1) or failed('socket'); over('made') },
    ping => sub { socket(my $socket, AF_INET, SOCK_DGRAM, 1) or failed('socket'); over('made') },
    packet => sub { socket(my $socket, 17, SOCK_RAW, 0) or failed('socket'); over('made') },
    abstract => sub {
        socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or failed('socket');
        connect($socket, pack('Sxa*', AF_UNIX, 'plinth-outside')) or failed('connect');
        syswrite($socket, 'hello');
        answered($socket);
    },
    own => sub {
        socket(my $server, AF_INET, SOCK_STREAM, 0) or failed('socket');
        bind($server, pack_sockaddr_in(0, INADDR_LOOPBACK)) or failed('bind');
        listen($server, 1) or failed('listen');
        socket(my $client, AF_INET, SOCK_STREAM, 0) or failed('socket');
        connect($client, getsockname($server)) or failed('connect');
        over('reached');
    },
);
$tries{$what}->();
