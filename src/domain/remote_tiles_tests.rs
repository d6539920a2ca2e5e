//! What is an address of tiles, which hosts are allowed, and which addresses are public.

use super::*;

const GOOD: &str = "https://tiles.example.org/v1/{z}/{x}/{y}.jpg?style=a&key={key}";

fn address(text: &str) -> TileAddress {
    TileAddress::parse(text).unwrap()
}

#[test]
fn places_are_filled_and_the_key_is_escaped() {
    let cell = Cell { z: 3, x: 5, y: 1 };
    assert_eq!(address(GOOD).of(cell, Some("a b/c")), "https://tiles.example.org/v1/3/5/1.jpg?style=a&key=a%20b%2Fc");
    assert_eq!(address("https://a.example/{x}/{-y}/{z}").of(cell, None), "https://a.example/5/6/3");
    assert_eq!(address(GOOD).shown(), "https://tiles.example.org/v1/{z}/{x}/{y}.jpg");
    assert_eq!(address("https://Tiles.Example.org:8443/{z}{x}{y}").host(), "tiles.example.org:8443");
}

#[test]
fn what_is_no_address_is_refused() {
    for bad in [
        "",
        "ftp://a.example/{z}/{x}/{y}",
        "file:///{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
        "https://user@a.example/{z}/{x}/{y}",
        "https://{z}.example/{x}/{y}",
        "https://a.example/{z}/{x}",
        "https://a.example/{z}/{x}/{y}/{-y}",
        "https://a.example/{z}/{x}/{y}/{z}",
        "https://a.example/{z}/{x}/{y}?a={s}",
        "https://a.example/{z}/{x}/{y}{",
        "https://a.example/{z}/{x}/{y}#part",
        "https://a.example\\@b.example/{z}/{x}/{y}",
        "https://a.example/{z}/{x}/{y}\r\nHost: b",
        "https://a.example/{z}/{x}/{y}?key=sesame",
        "https://a.example/{z}/{x}/{y}?a=1&Access_Token=sesame",
        &format!("https://a.example/{{z}}/{{x}}/{{y}}/{}", "a".repeat(500)),
    ] {
        assert!(TileAddress::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_host_is_allowed_only_as_it_is_listed() {
    let none = AllowedHosts::default();
    assert!(none.find(&address(GOOD)).unwrap_err().reason.contains("tiles.example.org"));
    let open = AllowedHost::new("Tiles.example.org");
    let hosts = AllowedHosts::new(vec![open.clone(), AllowedHost::new("b.example:8443")]).unwrap();
    assert!(hosts.find(&address(GOOD)).unwrap_err().reason.contains("no key"));
    for (text, ok) in [
        ("https://tiles.example.org/{z}/{x}/{y}", true),
        ("http://tiles.example.org/{z}/{x}/{y}", false),
        ("https://tiles.example.org:444/{z}/{x}/{y}", false),
        ("https://tiles.example.org.evil.example/{z}/{x}/{y}", false),
        ("https://evil.example/tiles.example.org/{z}/{x}/{y}", false),
        ("https://b.example/{z}/{x}/{y}", false),
        ("https://b.example:8443/{z}/{x}/{y}", true),
    ] {
        assert_eq!(hosts.find(&address(text)).is_ok(), ok, "{text}");
    }
    let keyed = AllowedHost { key: Some("sesame".into()), ..open.clone() };
    assert!(!format!("{keyed:?}").contains("sesame"));
    assert!(AllowedHosts::new(vec![keyed.clone()]).unwrap().find(&address(GOOD)).is_ok());
    assert!(AllowedHosts::new(vec![keyed, open]).is_err(), "one host twice");
}

#[test]
fn impossible_settings_of_a_host_are_refused() {
    let usual = AllowedHost::new("a.example");
    for bad in [
        AllowedHost { host: "https://a.example".into(), ..usual.clone() },
        AllowedHost { host: "".into(), ..usual.clone() },
        AllowedHost { tiles_per_second: 0.0, ..usual.clone() },
        AllowedHost { timeout_seconds: f64::NAN, ..usual.clone() },
        AllowedHost { tries: 0, ..usual.clone() },
        AllowedHost { most_tiles: 5_000_000, ..usual.clone() },
        AllowedHost { networks: vec!["everywhere".into()], ..usual.clone() },
    ] {
        assert!(AllowedHosts::new(vec![bad]).is_err());
    }
}

#[test]
fn only_public_addresses_are_reached_unless_a_network_is_listed() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    for public in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2a00:1450::1"] {
        assert!(is_public(ip(public)), "{public}");
    }
    for special in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
    ] {
        assert!(!is_public(ip(special)), "{special}");
    }
    let host = AllowedHost { networks: vec!["127.0.0.0/8".into()], ..AllowedHost::new("a.example") };
    assert!(host.may_reach(ip("127.0.0.1")) && host.may_reach(ip("8.8.8.8")));
    assert!(!host.may_reach(ip("10.0.0.1")) && !host.may_reach(ip("::1")));
}
