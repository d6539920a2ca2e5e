//! Tiles on other people's servers: addresses with places for zoom, column and row, and the hosts that the operator allows.

// The type alone, without what opens connections.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use serde::Deserialize;

use super::Invalid;
use super::cell::Cell;
use super::network::Network;

/// Longest address, characters.
const LONGEST: usize = 500;
/// Names of parameters that hold secrets: such a value stands in the operator's file, not in an address.
const SECRET_NAMES: [&str; 10] = [
    "key",
    "apikey",
    "api_key",
    "api-key",
    "token",
    "access_token",
    "accesstoken",
    "sig",
    "signature",
    "subscription-key",
];

/// An address like `https://tiles.example.org/{z}/{x}/{y}.jpg?key={key}`. `{-y}` counts rows from the south.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileAddress {
    text: String,
    /// `tiles.example.org` or `tiles.example.org:8443`, in small letters.
    host: String,
    https: bool,
}

impl TileAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// For anything but http(s) with a plain host and each place once; for a secret written into it.
    pub fn parse(text: &str) -> Result<TileAddress, Invalid> {
        let wrong = |reason: &str| Err(Invalid::new("template", reason.to_owned()));
        let plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_control() || "\\ #<>\"".contains(c));
        if !plain || text.len() > LONGEST {
            return wrong("an address of at most 500 plain characters, without spaces, backslashes and #");
        }
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return wrong("write it like https://tiles.example.org/{z}/{x}/{y}.jpg"),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let named = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(named) {
            return wrong("the host stands in it as a plain name, without braces, user or password");
        }
        let times = |place: &str| path.matches(place).count();
        if times("{z}") != 1 || times("{x}") != 1 || times("{y}") + times("{-y}") != 1 || times("{key}") > 1 {
            return wrong("each of {z}, {x} and {y} (or {-y}) stands in it once, {key} at most once");
        }
        if path.matches(['{', '}']).count() != 2 * (3 + times("{key}")) {
            return wrong("no places but {z}, {x}, {y}, {-y} and {key} can be filled");
        }
        if let Some(name) = written_secret(path) {
            let reason = format!(
                "`{name}` looks like a key: leave it to the operator's file of hosts, and write {name}={{key}} here"
            );
            return Err(Invalid::new("template", reason));
        }
        Ok(TileAddress { text: text.to_owned(), host: host.to_ascii_lowercase(), https })
    }

    /// Host and, where it is not the usual one, port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The same without parameters: what may be shown to everybody.
    pub fn shown(&self) -> &str {
        self.text.split('?').next().unwrap_or_default()
    }

    /// The address of one tile. Whoever calls keeps it to himself: the key stands in it.
    pub fn of(&self, cell: Cell, key: Option<&str>) -> String {
        let from_south = (1u32 << cell.z) - 1 - cell.y;
        self.text
            .replace("{z}", &cell.z.to_string())
            .replace("{x}", &cell.x.to_string())
            .replace("{y}", &cell.y.to_string())
            .replace("{-y}", &from_south.to_string())
            .replace("{key}", &escaped(key.unwrap_or_default()))
    }
}

impl fmt::Display for TileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name of a parameter that holds a secret in plain words.
fn written_secret(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    let pairs = query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    let secret = |name: &str| SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str());
    pairs.into_iter().find(|(name, value)| secret(name) && *value != "{key}").map(|(name, _)| name)
}

/// A key as it may stand in an address (RFC 3986, section 2.3).
fn escaped(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let put = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(put).collect()
}

/// A host from which the operator lets tiles be fetched, as its file says.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedHost {
    /// `tiles.example.org` or `tiles.example.org:8443`.
    pub host: String,
    /// Stands in for `{key}`; leaves the server in requests to this host only.
    #[serde(default)]
    pub key: Option<String>,
    /// Credit line of all pictures of this host.
    #[serde(default)]
    pub attribution: Option<String>,
    /// Requests a second at most.
    #[serde(default = "AllowedHost::usual_rate")]
    pub tiles_per_second: f64,
    /// Tiles of one scene at most.
    #[serde(default = "AllowedHost::usual_count")]
    pub most_tiles: u64,
    /// Seconds that one answer may take.
    #[serde(default = "AllowedHost::usual_timeout")]
    pub timeout_seconds: f64,
    /// How often a tile is asked for that does not come.
    #[serde(default = "AllowedHost::usual_tries")]
    pub tries: u32,
    /// Whether connections that are not encrypted will do.
    #[serde(default)]
    pub http: bool,
    /// Networks that are not public in which the host may lie.
    #[serde(default)]
    pub networks: Vec<String>,
}

impl AllowedHost {
    /// A host with nothing but the usual.
    pub fn new(host: &str) -> AllowedHost {
        AllowedHost {
            host: host.into(),
            key: None,
            attribution: None,
            tiles_per_second: AllowedHost::usual_rate(),
            most_tiles: AllowedHost::usual_count(),
            timeout_seconds: AllowedHost::usual_timeout(),
            tries: AllowedHost::usual_tries(),
            http: false,
            networks: Vec::new(),
        }
    }

    fn usual_rate() -> f64 {
        10.0
    }

    fn usual_count() -> u64 {
        100_000
    }

    fn usual_timeout() -> f64 {
        30.0
    }

    fn usual_tries() -> u32 {
        5
    }

    /// Whether connections to an address are allowed: public ones, and those of the networks that are listed.
    pub fn may_reach(&self, address: IpAddr) -> bool {
        let listed = || self.networks.iter().filter_map(|text| text.parse::<Network>().ok());
        is_public(address) || listed().any(|network| network.contains(address))
    }

    fn check(&self) -> Result<(), Invalid> {
        let wrong = |reason: String| Err(Invalid::new("remote-hosts", reason));
        let host = &self.host;
        let address = TileAddress::parse(&format!("https://{host}/{{z}}/{{x}}/{{y}}"));
        if !address.is_ok_and(|address| address.host() == host) {
            return wrong(format!("`{host}` is no host: write tiles.example.org or tiles.example.org:8443"));
        }
        if let Some(bad) = self.networks.iter().find_map(|text| text.parse::<Network>().err()) {
            return wrong(format!("host {host}: {bad}"));
        }
        let within = |value: f64, most: f64| value.is_finite() && value > 0.0 && value <= most;
        if !within(self.tiles_per_second, 1000.0) || !within(self.timeout_seconds, 600.0) {
            return wrong(format!("host {host}: tiles_per_second is at most 1000, timeout_seconds at most 600"));
        }
        match (1..=20).contains(&self.tries) && (1..=4_000_000).contains(&self.most_tiles) {
            true => Ok(()),
            false => wrong(format!("host {host}: tries is 1 to 20, most_tiles at most 4000000")),
        }
    }
}

/// Whoever prints a host prints no key.
impl fmt::Debug for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowedHost").field("host", &self.host).finish_non_exhaustive()
    }
}

/// All hosts that the operator allows; none unless a file says so.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedHosts {
    #[serde(default)]
    host: Vec<AllowedHost>,
}

impl AllowedHosts {
    /// These hosts.
    ///
    /// # Errors
    /// Where one of them says something impossible, or two are the same.
    pub fn new(mut host: Vec<AllowedHost>) -> Result<AllowedHosts, Invalid> {
        host.iter_mut().for_each(|one| one.host.make_ascii_lowercase());
        host.iter().try_for_each(AllowedHost::check)?;
        host.sort_by(|a, b| a.host.cmp(&b.host));
        match host.windows(2).find(|pair| pair[0].host == pair[1].host) {
            Some(pair) => Err(Invalid::new("remote-hosts", format!("host {} stands in it twice", pair[0].host))),
            None => Ok(AllowedHosts { host }),
        }
    }

    /// The same, checked: for what was read from a file.
    ///
    /// # Errors
    /// As [`AllowedHosts::new`].
    pub fn checked(self) -> Result<AllowedHosts, Invalid> {
        AllowedHosts::new(self.host)
    }

    /// All of them, by name.
    pub fn all(&self) -> &[AllowedHost] {
        &self.host
    }

    /// The host of an address, if tiles may be fetched from it.
    ///
    /// # Errors
    /// Where it is not listed, listed for encrypted connections only, or has no key for an address that wants one.
    pub fn find(&self, address: &TileAddress) -> Result<&AllowedHost, Invalid> {
        let wrong = |reason: String| Invalid::new("template", reason);
        let host = address.host();
        let unknown =
            || wrong(format!("the operator allows no tiles from {host}: the file of --remote-hosts lists them"));
        let known = self.host.iter().find(|one| one.host == host).ok_or_else(unknown)?;
        if !address.is_https() && !known.http {
            return Err(wrong(format!("{host} is allowed with https:// only")));
        }
        if address.to_string().contains("{key}") && known.key.is_none() {
            return Err(wrong(format!("the operator has put down no key for {host}")));
        }
        Ok(known)
    }
}

/// Whether an address belongs to the public internet (IANA's special-purpose registries, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    );
    !special
}

/// Only what was given out as unicast, without the ranges that lead to IPv4 addresses or are for examples.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let unicast = first & 0xe000 == 0x2000;
    let special = first == 0x2002 || (first == 0x2001 && (second < 0x0200 || second == 0x0db8)) || first == 0x3fff;
    unicast && !special
}

#[cfg(test)]
#[path = "remote_tiles_tests.rs"]
mod tests;
