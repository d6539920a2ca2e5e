//! All settings: flag, environment variable, default and explanation in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::Invalid;
use crate::domain::network::Network;
use crate::domain::remote_tiles::AllowedHosts;
use crate::domain::second_factor::SecondFactorRule;
use crate::imagery::{Archives, ImageryError};
use crate::storage::{DatabaseUrl, Store, StoreError};

/// Where everything is kept. The same for every verb that touches a campaign.
#[derive(Debug, Clone, Args)]
pub struct DataOptions {
    /// Folder of the SQLite database and the keys; made if need be
    #[arg(long, env = "AFTERMAP_DATA_DIR", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,

    /// Database to use instead of the SQLite file in the data folder: postgres://… or sqlite:FILE
    #[arg(long, env = "AFTERMAP_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Folder of the scene archives, or s3://bucket/folder with credentials in the environment [default: DIR/tiles]
    #[arg(long, env = "AFTERMAP_TILES", value_name = "DIR")]
    pub tiles: Option<PathBuf>,
}

/// Connections to the database that a command of the command line may hold.
const CLI_CONNECTIONS: u32 = 2;

impl DataOptions {
    /// The address of the database.
    pub fn database(&self) -> Result<DatabaseUrl, StoreError> {
        match &self.database_url {
            Some(url) => DatabaseUrl::parse(url),
            None => Ok(DatabaseUrl::in_folder(&self.data)),
        }
    }

    /// Opens the database, creates it and brings its schema up to date if need be. Blocks.
    pub fn open(&self) -> Result<Store, StoreError> {
        self.open_for(CLI_CONNECTIONS)
    }

    /// The same, with room for so many connections at a time.
    pub fn open_for(&self, connections: u32) -> Result<Store, StoreError> {
        Store::open(&self.database()?, connections)
    }

    /// Folder of the scene archives; where they are in S3-compatible storage, of work and copies.
    pub fn tiles_dir(&self) -> PathBuf {
        let folder = self.tiles.clone().filter(|_| self.bucket().is_none());
        folder.unwrap_or_else(|| self.data.join("tiles"))
    }

    /// The address of S3-compatible storage, where archives are in one.
    fn bucket(&self) -> Option<&str> {
        self.tiles.as_ref()?.to_str().filter(|place| place.starts_with("s3://"))
    }

    /// The scene archives.
    ///
    /// # Errors
    /// Where the place that was named cannot be one.
    pub fn archives(&self) -> Result<Archives, ImageryError> {
        match self.bucket() {
            Some(address) => Archives::in_bucket(address, self.tiles_dir()),
            None => Ok(Archives::new(self.tiles_dir())),
        }
    }

    /// Folder of the releases' files; servers on one database need the same one.
    pub fn releases_dir(&self) -> PathBuf {
        self.data.join("releases")
    }
}

/// From where tiles may be fetched.
#[derive(Debug, Clone, Default, Args)]
pub struct RemoteOptions {
    /// File of the hosts from which ready tiles may be fetched, with their keys, as docs/remote-hosts.example.toml shows [default: none]
    #[arg(long, env = "AFTERMAP_REMOTE_HOSTS", value_name = "FILE")]
    pub remote_hosts: Option<PathBuf>,
}

impl RemoteOptions {
    /// The hosts of the file. What is wrong is said without the line itself: a key may stand in it.
    ///
    /// # Errors
    /// Where the file cannot be read, or says something impossible.
    pub fn hosts(&self) -> Result<AllowedHosts, Invalid> {
        let Some(file) = &self.remote_hosts else { return Ok(AllowedHosts::default()) };
        let wrong = |reason: String| Invalid::new("remote-hosts", format!("{}: {reason}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let hosts: AllowedHosts = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            wrong(format!("line {line} is not as docs/remote-hosts.example.toml shows"))
        })?;
        hosts.checked().map_err(|error| wrong(error.reason))
    }
}

/// Settings of `aftermap serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Where everything is kept.
    #[command(flatten)]
    pub place: DataOptions,

    /// Address and port to listen on
    #[arg(long, env = "AFTERMAP_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// File of the signing key, shared by all servers on one database; made if need be [default: DIR/key]
    #[arg(long, env = "AFTERMAP_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Address by which browsers reach the server; with https:// cookies travel over encrypted connections only
    #[arg(long, env = "AFTERMAP_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Certificate chain, PEM: the server then speaks TLS itself; read anew when the file changes
    #[arg(long, env = "AFTERMAP_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(long, env = "AFTERMAP_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Proxy whose X-Forwarded-Proto and X-Forwarded-For are believed: an address or a network; may be repeated [default: none]
    #[arg(long, env = "AFTERMAP_TRUSTED_PROXY", value_name = "NETWORK", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,

    /// Threads that answer requests [default: one for each processor core]
    #[arg(long, env = "AFTERMAP_WORKERS", value_name = "N")]
    pub workers: Option<usize>,

    /// Connections to the database
    #[arg(long, env = "AFTERMAP_CONNECTIONS", value_name = "N", default_value_t = 16)]
    pub connections: u32,

    /// Requests that may ask the database at the same time; exports are refused at a quarter of it, answers at all of it
    #[arg(long, env = "AFTERMAP_REQUESTS", value_name = "N", default_value_t = 256)]
    pub requests: usize,

    /// Address and port of /metrics for Prometheus; it names nobody, but is best kept inside [default: none]
    #[arg(long, env = "AFTERMAP_METRICS_LISTEN", value_name = "ADDRESS", value_parser = address)]
    pub metrics_listen: Option<SocketAddr>,

    /// New guests that one internet address may be in a minute; a school or a camp may share one
    #[arg(long, env = "AFTERMAP_GUESTS_PER_MINUTE", value_name = "N", default_value_t = 300)]
    pub guests_per_minute: u32,

    /// Sign-ins, new accounts and recoveries that one internet address may try in a minute
    #[arg(long, env = "AFTERMAP_SIGN_INS_PER_MINUTE", value_name = "N", default_value_t = 120)]
    pub sign_ins_per_minute: u32,

    /// Give admins, creators and coordinators their rights only while their account has a second factor
    #[arg(long, env = "AFTERMAP_REQUIRE_SECOND_FACTOR", value_parser = switch)]
    pub require_second_factor: bool,

    /// Gigabytes that uploaded files may take until they are cut into scenes
    #[arg(long, env = "AFTERMAP_UPLOADS_GB", value_name = "GB", default_value_t = 200)]
    pub uploads_gb: u64,

    /// The same for the files of one campaign
    #[arg(long, env = "AFTERMAP_CAMPAIGN_UPLOADS_GB", value_name = "GB", default_value_t = 50)]
    pub campaign_uploads_gb: u64,

    /// From where tiles may be fetched.
    #[command(flatten)]
    pub remote: RemoteOptions,

    /// Connections of clients at the same time
    #[arg(long, env = "AFTERMAP_CLIENTS", value_name = "N", default_value_t = 8000)]
    pub clients: usize,

    /// Of these, connections that one internet address may have; a trusted proxy may have all of them
    #[arg(long, env = "AFTERMAP_CLIENTS_PER_ADDRESS", value_name = "N", default_value_t = 1000)]
    pub clients_per_address: u32,

    /// Of the 512 listeners to live news, those that one internet address may have
    #[arg(long, env = "AFTERMAP_LISTENERS_PER_ADDRESS", value_name = "N", default_value_t = 64)]
    pub listeners_per_address: u32,

    /// How the log on standard error is written: for people, or a line of JSON for each event
    #[arg(long, env = "AFTERMAP_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl ServeOptions {
    /// File of the signing key.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.place.data.join("key"))
    }

    /// Scheme and host by which browsers reach the server, without a path.
    pub fn public_url(&self) -> Result<Option<String>, Invalid> {
        self.public_url.as_deref().map(check_public_url).transpose()
    }

    /// Whom this server asks for a second factor.
    pub fn second_factor_rule(&self) -> SecondFactorRule {
        if self.require_second_factor { SecondFactorRule::Required } else { SecondFactorRule::Optional }
    }

    /// Threads that answer requests.
    pub fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores).max(1)
    }
}

/// A switch in the environment; on the command line its name alone is enough.
fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" | "" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it as numbers, like 127.0.0.1:8090, or 0.0.0.0:8090 for every network".to_owned())
}

fn check_public_url(url: &str) -> Result<String, Invalid> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host.map(|host| host.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains('/') => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(Invalid::new("public-url", format!("`{url}` must look like https://map.example.org"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_is_in_numbers() {
        assert!(address("127.0.0.1:8090").is_ok());
        for bad in ["localhost:8090", "8090", "127.0.0.1:99999"] {
            assert!(address(bad).unwrap_err().contains("127.0.0.1:8090"), "{bad}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off_and_nothing_else() {
        assert!(["true", "1", "YES", "on"].iter().all(|text| switch(text) == Ok(true)));
        assert!(["false", "0", "no", "Off", ""].iter().all(|text| switch(text) == Ok(false)));
        assert!(switch("maybe").unwrap_err().contains("true or false"));
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        assert_eq!(check_public_url("https://map.example.org/"), Ok("https://map.example.org".into()));
        for bad in ["map.example.org", "https://", "https://a.example/b", "ftp://a.example"] {
            assert!(check_public_url(bad).is_err(), "{bad}");
        }
    }
}
