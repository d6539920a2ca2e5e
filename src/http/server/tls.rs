//! TLS by rustls: the certificate is read anew when its file changes, so that whoever renews it need not restart us.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, version};

/// Between two looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Files of a certificate chain and its key, PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The chain, our own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Speaks TLS 1.3 and 1.2 with the certificate that is in the files now.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Tls {
    /// Reads the files. Blocks.
    ///
    /// # Errors
    /// Where they cannot be read, hold no certificate or key, or these do not belong together.
    pub fn open(files: TlsFiles) -> io::Result<Tls> {
        let current = Arc::new(Current(RwLock::new(Arc::new(read(&files)?))));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { files, current, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// What makes an encrypted connection of a plain one.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again whenever one of them changes, or a SIGHUP comes; goes on for ever. Where they cannot be used
    /// the last certificate stays.
    pub async fn watch(self) {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut seen = self.times();
        loop {
            let told = match &mut hangup {
                Some(hangup) => tokio::time::timeout(LOOK_AGAIN, hangup.recv()).await.is_ok(),
                None => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    false
                }
            };
            let now = self.times();
            if told || now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(fresh) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                tracing::info!("the TLS certificate was read anew");
            }
            Err(error) => tracing::error!(%error, "the TLS certificate cannot be read anew: the last one stays in use"),
        }
    }

    fn times(&self) -> [Option<SystemTime>; 2] {
        let time = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
        [time(&self.files.cert), time(&self.files.key)]
    }
}

fn read(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let wrong = |path: &Path, reason: String| io::Error::other(format!("{}: {reason}", path.display()));
    let open = |path: &Path| fs::read(path).map_err(|error| wrong(path, error.to_string()));
    let chain = open(&files.cert)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&files.cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(&files.cert, "holds no certificate in PEM".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&open(&files.key)?)
        .map_err(|error| wrong(&files.key, format!("holds no private key in PEM ({error})")))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| wrong(&files.cert, format!("the key {} does not fit: {error}", files.key.display())))
}
