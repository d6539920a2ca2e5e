//! From where a request comes: what the connection says, and what a proxy says that the operator trusts. Addresses are
//! looked at and forgotten; nothing here stores or logs one.

use std::net::IpAddr;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderName, HeaderValue, SET_COOKIE};

use crate::domain::network::Network;
use crate::http::gate::App;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// From where a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Whether the browser's connection is encrypted.
    pub https: bool,
    /// The client's address; of use only while the request lives.
    pub address: Option<IpAddr>,
}

impl App {
    /// From where a request comes. `X-Forwarded-Proto` and `X-Forwarded-For` are believed only if the connection comes from
    /// a trusted proxy: anybody else could write into them what they like.
    pub fn origin(&self, head: &RequestHead) -> Origin {
        let peer = head.peer_addr.map(|peer| peer.ip().to_canonical());
        let direct = Origin { https: self.is_https(), address: peer };
        let Some(peer) = peer.filter(|peer| trusts(&self.proxies, *peer)) else { return direct };
        let proto = last(head, &FORWARDED_PROTO);
        let https = direct.https || proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        Origin { https, address: Some(client(head, &self.proxies, peer)) }
    }
}

pub(crate) fn trusts(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The last value of a header: the one that the nearest proxy wrote.
fn last<'a>(head: &'a RequestHead, name: &HeaderName) -> Option<&'a str> {
    let all = head.headers().get_all(name).filter_map(|value| value.to_str().ok());
    all.last().and_then(|value| value.rsplit(',').next()).map(str::trim)
}

/// Backwards along the chain of proxies to the first address that is none of ours: what lies before it was written by
/// somebody we do not know.
fn client(head: &RequestHead, proxies: &[Network], peer: IpAddr) -> IpAddr {
    let headers: Vec<&str> = head.headers().get_all(&FORWARDED_FOR).filter_map(|value| value.to_str().ok()).collect();
    let chain = headers.iter().rev().flat_map(|value| value.rsplit(',')).map(|one| one.trim().parse::<IpAddr>());
    let mut nearest = peer;
    for address in chain {
        let Ok(address) = address else { return nearest };
        nearest = address.to_canonical();
        if !trusts(proxies, nearest) {
            return nearest;
        }
    }
    nearest
}

/// Makes sure that cookies of an encrypted connection travel encrypted only.
pub fn secure_cookies(headers: &mut actix_web::http::header::HeaderMap) {
    let is_secure = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(';').any(|part| part.trim().eq_ignore_ascii_case("secure"))
    };
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).cloned().collect();
    if cookies.iter().all(is_secure) {
        return;
    }
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let secured = [cookie.as_bytes(), b"; Secure"].concat();
        let whole = if is_secure(&cookie) { Ok(cookie) } else { HeaderValue::from_bytes(&secured) };
        if let Ok(whole) = whole {
            headers.append(SET_COOKIE, whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn head(lines: &[(&'static str, &'static str)]) -> actix_web::HttpRequest {
        let request = lines.iter().fold(TestRequest::default(), |request, line| request.append_header(*line));
        request.to_http_request()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy_of_ours() {
        let ours: Vec<Network> = ["127.0.0.1", "10.0.0.0/8"].map(|text| text.parse().unwrap()).to_vec();
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        let find = |lines: &[(&'static str, &'static str)]| client(head(lines).head(), &ours, peer).to_string();
        assert_eq!(find(&[]), "127.0.0.1");
        assert_eq!(find(&[("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
        assert_eq!(find(&[("x-forwarded-for", "6.6.6.6, 198.51.100.7, 10.1.2.3")]), "198.51.100.7");
        assert_eq!(find(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
        assert_eq!(find(&[("x-forwarded-for", "198.51.100.7, nonsense")]), "127.0.0.1");
    }

    #[test]
    fn cookies_become_secure_once() {
        let mut headers = actix_web::http::header::HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Path=/"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2; Secure"));
        secure_cookies(&mut headers);
        secure_cookies(&mut headers);
        let all: Vec<_> = headers.get_all(SET_COOKIE).map(|value| value.to_str().unwrap().to_owned()).collect();
        assert_eq!(all, ["a=1; Path=/; Secure", "b=2; Secure"]);
    }
}
