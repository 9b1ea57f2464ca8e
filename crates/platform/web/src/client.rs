//! From where a request really comes.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName},
};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: what stands rightmost in `X-Forwarded-For` and is no proxy of ours. Whatever stands
/// further left, the client may have made up.
pub(crate) fn client_address(request: &Request, proxies: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(rightmost_stranger(peer.ip().to_canonical(), request.headers(), proxies))
}

fn rightmost_stranger(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut nearest = peer;
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for hop in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        if !is_proxy(&nearest) {
            break;
        }
        // What cannot be read is not worth more than the proxy that passed it on.
        let Some(address) = address(hop.trim()) else { break };
        nearest = address;
    }
    nearest
}

/// Some proxies write the port as well.
fn address(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok().or_else(|| hop.parse().ok().map(|address: SocketAddr| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_our_own_proxies_say_is_believed() {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse::<IpNet>().expect("a network"));
        for (peer, forwarded, client) in [
            // Without a proxy in between the header is the client's invention.
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7", "10.2.3.4,10.2.3.5"], "198.51.100.7"),
            ("10.0.0.1", &["10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("2001:db8:1::1", &["[2001:db8:2::7]:443"], "2001:db8:2::7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let peer = peer.parse::<IpAddr>().expect("an address").to_canonical();
            let found = rightmost_stranger(peer, &headers, &proxies);
            assert_eq!(found.to_string(), client, "{peer} {forwarded:?}");
        }
    }
}
