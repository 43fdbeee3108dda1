"""Which addresses the server may connect to."""

import ipaddress

import pytest

from shared.errors import Invalid
from shared.fetching.addresses import address_in, is_in, is_public, networks_in

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9",
    "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1",
    "64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "100:0:0:1::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:2::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "168.63.129.15", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.169.0.1", "198.17.255.255", "198.20.0.1",
    "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:830::200e", "2001:4860:4860::8888", "2001:200::1",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_special_address_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_open_network_is_public(address):
    assert is_public(ipaddress.ip_address(address))


def test_what_python_calls_special_is_not_public():
    """Our own list holds at least all that the standard library knows, at the edges of its networks."""
    edges = [f"{a}.{b}.0.1" for a in range(256) for b in (0, 16, 63, 64, 88, 127, 168, 254, 255)]
    for address in map(ipaddress.ip_address, edges):
        if not address.is_global or address.is_multicast or address.is_reserved:
            assert not is_public(address), address


def test_networks_of_the_settings_are_let_through():
    networks = networks_in("10.1.0.0/16, fd00::/8 ,127.0.0.1,")
    for address in ("10.1.2.3", "fd12::1", "127.0.0.1", "::ffff:10.1.2.3"):
        assert is_in(ipaddress.ip_address(address), networks)
    for address in ("10.2.0.1", "fe80::1", "127.0.0.2"):
        assert not is_in(ipaddress.ip_address(address), networks)
    assert networks_in("") == ()


@pytest.mark.parametrize("text", ["10.1.0.0/33", "example.com", "10.1.2.3/16", "10.1.0.0/16;10.2.0.0/16"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(Invalid, match="write networks as"):
        networks_in(text)


def test_an_address_is_told_from_a_name():
    assert str(address_in("127.0.0.1")) == "127.0.0.1"
    assert str(address_in("[::1]")) == "::1"
    assert address_in("example.com") is None
    assert address_in("0x7f.1") is None  # a name, until it is looked up
