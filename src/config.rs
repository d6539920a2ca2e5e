//! The settings of the server: flag, environment variable, default and explanation in one place.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::domain::Invalid;

/// How the server is reached, and what it is allowed to use.
#[derive(Debug, Clone, Args)]
pub struct ServerSettings {
    /// Address and port to listen on
    #[arg(long, env = "AFTERMAP_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// File of the signing key, shared by all servers on one database; made if need be [default: DIR/key]
    #[arg(long, env = "AFTERMAP_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Address by which browsers reach the server; with https:// cookies travel over encrypted connections only
    #[arg(long, env = "AFTERMAP_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Threads that answer requests [default: one for each processor core]
    #[arg(long, env = "AFTERMAP_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
}

impl ServerSettings {
    /// File of the signing key.
    pub fn key_file(&self, data: &Path) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| data.join("key"))
    }

    /// Scheme and host by which browsers reach the server, without a path.
    pub fn public_url(&self) -> Result<Option<String>, Invalid> {
        let Some(url) = &self.public_url else { return Ok(None) };
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        match host.map(|host| host.trim_end_matches('/')) {
            Some(host) if !host.is_empty() && !host.contains('/') => Ok(Some(url.trim_end_matches('/').to_owned())),
            _ => Err(Invalid::new("public-url", format!("`{url}` must look like https://map.example.org"))),
        }
    }

    /// Threads that answer requests.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        let read = |url: &str| {
            let settings = ServerSettings {
                listen: ([127, 0, 0, 1], 8080).into(),
                key_file: None,
                public_url: Some(url.into()),
                workers: None,
            };
            settings.public_url()
        };
        assert_eq!(read("https://map.example.org/"), Ok(Some("https://map.example.org".into())));
        assert!(read("map.example.org").is_err() && read("https://").is_err() && read("https://a/b").is_err());
    }
}
