//! S3-compatible storage as a place for archives: ranges read, whole archives sent and fetched, with checksums.
//!
//! Credentials and the address of the storage come from the environment, under the names that AWS's own tools use
//! (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`).

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, RetryConfig, WriteMultipart,
};
use tokio::runtime::Handle;

use super::error::ImageryError;

/// How long a connection to the storage may take to open.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one range may take with all attempts: a browser waits for it.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a request is tried again that the storage refused or lost.
const RETRIES: usize = 3;
/// Bytes of one part of an upload; the least that S3 takes is 5 MiB.
const PART: usize = 8 << 20;
/// Parts on their way at a time.
const PARTS: usize = 4;
/// Bytes of ranges that are kept in memory, of all archives together.
const KEPT: usize = 64 << 20;
/// Under this name an archive carries its SHA-256.
const SHA256: &str = "sha256";

/// A folder of a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    name: Arc<str>,
    /// Where requests run: the server's workers each have a runtime of their own, connections are shared by all.
    runtime: Handle,
    kept: Arc<Mutex<Ranges>>,
}

/// What the storage says about an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 it was sent with, hex.
    pub sha256: Option<String>,
}

impl Bucket {
    /// The folder of an address like `s3://bucket/folder`. Asks nobody anything yet.
    ///
    /// # Errors
    /// Where the address is none, the environment says something impossible, or no async runtime is there.
    pub fn at(address: &str) -> Result<Bucket, ImageryError> {
        let wrong = |reason: String| ImageryError::unusable(Path::new(address), reason);
        let place = address.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(wrong("write it as s3://bucket/folder".into()));
        }
        let runtime = Handle::try_current().map_err(|error| wrong(error.to_string()))?;
        let client = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(Duration::from_secs(60));
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: Duration::from_secs(30),
        };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_checksum_algorithm(Checksum::SHA256)
            // What the environment says about plain http still holds: it is read before this.
            .with_client_options(allow_http(client))
            .with_retry(retry)
            .build()
            .map_err(|error| wrong(format!("cannot be used: {error}")))?;
        let prefix = Key::parse(prefix.trim_matches('/')).map_err(|error| wrong(error.to_string()))?;
        let name = address.trim_end_matches('/').into();
        Ok(Bucket { store: Arc::new(store), prefix, name, runtime, kept: Arc::default() })
    }

    /// Runs a request where all of them run.
    async fn run<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, ImageryError>> + Send + 'static,
    ) -> Result<T, ImageryError> {
        let away = self.clone();
        let ended = self.runtime.spawn(request).await;
        ended.unwrap_or_else(|error| Err(away.away(error)))
    }

    /// The outcome of something async on a thread that may wait: never on one of the runtime's own.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn key(&self, archive: &str) -> Key {
        self.prefix.clone().join(archive)
    }

    fn away(&self, reason: impl ToString) -> ImageryError {
        ImageryError::Away { place: self.name.to_string(), reason: reason.to_string() }
    }

    fn explain(&self, archive: &str, error: StoreError) -> ImageryError {
        match error {
            StoreError::NotFound { .. } => {
                ImageryError::Archive { archive: archive.to_owned(), reason: format!("is not in {}", self.name) }
            }
            other => self.away(other),
        }
    }

    /// A part of an archive; the end may lie beyond its end.
    pub async fn range(&self, archive: &str, range: Range<u64>) -> Result<Bytes, ImageryError> {
        let known = self.ranges().get(archive, &range);
        if let Some(bytes) = known {
            return Ok(bytes);
        }
        let (this, name, wanted) = (self.clone(), archive.to_owned(), range.clone());
        let request = async move {
            let key = this.key(&name);
            let asked = this.store.get_range(&key, wanted);
            match tokio::time::timeout(PATIENCE, asked).await {
                Ok(answer) => answer.map_err(|error| this.explain(&name, error)),
                Err(_) => Err(this.away("it does not answer in time")),
            }
        };
        let bytes = self.run(request).await?;
        self.ranges().keep(archive, range, bytes.clone());
        Ok(bytes)
    }

    fn ranges(&self) -> std::sync::MutexGuard<'_, Ranges> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is stored under an archive's name; `None` where nothing is.
    pub async fn look(&self, archive: &str) -> Result<Option<Stored>, ImageryError> {
        let (this, name) = (self.clone(), archive.to_owned());
        let request = async move {
            let options = object_store::GetOptions { head: true, ..Default::default() };
            match this.store.get_opts(&this.key(&name), options).await {
                Ok(found) => {
                    let sha256 = found.attributes.get(&Attribute::Metadata(SHA256.into())).map(|v| v.to_string());
                    Ok(Some(Stored { bytes: found.meta.size, sha256 }))
                }
                Err(StoreError::NotFound { .. }) => Ok(None),
                Err(error) => Err(this.away(error)),
            }
        };
        self.run(request).await
    }

    /// Sends an archive, in parts whose checksums the storage compares; what is there already is not sent again. It can
    /// be seen only once it is complete.
    pub async fn send(&self, from: &Path, archive: &str, sha256: &str) -> Result<(), ImageryError> {
        let bytes = std::fs::metadata(from).map_err(ImageryError::io(from, "reading"))?.len();
        let ours = Stored { bytes, sha256: Some(sha256.to_owned()) };
        if self.look(archive).await? == Some(ours.clone()) {
            return Ok(());
        }
        let (this, name, from, sha256) = (self.clone(), archive.to_owned(), from.to_owned(), sha256.to_owned());
        self.run(async move { this.send_parts(&from, &name, sha256).await }).await?;
        match self.look(archive).await? {
            Some(there) if there.bytes == bytes => Ok(()),
            other => Err(self.away(format!("{archive} did not arrive whole: sent {bytes} bytes, there is {other:?}"))),
        }
    }

    async fn send_parts(&self, from: &Path, archive: &str, sha256: String) -> Result<(), ImageryError> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.into());
        attributes.insert(Attribute::ContentType, "application/vnd.pmtiles".into());
        let options = PutMultipartOptions { attributes, ..Default::default() };
        let begun = self.store.put_multipart_opts(&self.key(archive), options).await;
        let upload = begun.map_err(|error| self.explain(archive, error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut file = File::open(from).map_err(ImageryError::io(from, "opening"))?;
        let mut part = vec![0; PART];
        loop {
            let count = file.read(&mut part).map_err(ImageryError::io(from, "reading"))?;
            if count == 0 {
                break;
            }
            upload.wait_for_capacity(PARTS).await.map_err(|error| self.explain(archive, error))?;
            upload.write(&part[..count]);
        }
        upload.finish().await.map(drop).map_err(|error| self.explain(archive, error))
    }

    /// Copies an archive into a file, part by part.
    pub async fn fetch(&self, archive: &str, to: &Path) -> Result<(), ImageryError> {
        let (this, name, to) = (self.clone(), archive.to_owned(), to.to_owned());
        let request = async move {
            let found = this.store.get(&this.key(&name)).await.map_err(|error| this.explain(&name, error))?;
            let mut parts = found.into_stream();
            let mut file = File::create(&to).map_err(ImageryError::io(&to, "making"))?;
            while let Some(part) = parts.try_next().await.map_err(|error| this.explain(&name, error))? {
                file.write_all(&part).map_err(ImageryError::io(&to, "writing"))?;
            }
            file.sync_all().map_err(ImageryError::io(&to, "writing"))
        };
        self.run(request).await
    }

    /// Names, lengths and ages of all that lies in the folder.
    pub async fn list(&self) -> Result<Vec<(String, u64, Duration)>, ImageryError> {
        let this = self.clone();
        let request = async move {
            let mut found = Vec::new();
            let mut all = this.store.list(Some(&this.prefix));
            while let Some(one) = all.next().await {
                let one = one.map_err(|error| this.away(error))?;
                let age = super::upkeep::age_of(one.last_modified.into());
                found.push((one.location.filename().unwrap_or_default().to_owned(), one.size, age));
            }
            Ok(found)
        };
        self.run(request).await
    }

    /// Moves an archive below `quarantine/` of the same folder.
    pub async fn set_aside(&self, archive: &str) -> Result<(), ImageryError> {
        let (this, name) = (self.clone(), archive.to_owned());
        let request = async move {
            let to = this.prefix.clone().join("quarantine").join(name.as_str());
            this.store.rename(&this.key(&name), &to).await.map_err(|error| this.explain(&name, error))
        };
        self.run(request).await
    }
}

/// Plain http where the operator says so: for storage on the same machine or network.
fn allow_http(client: ClientOptions) -> ClientOptions {
    let says = std::env::var("AWS_ALLOW_HTTP").unwrap_or_default();
    client.with_allow_http(matches!(says.as_str(), "true" | "1"))
}

/// Ranges read lately, up to so many bytes; the oldest goes first.
#[derive(Debug, Default)]
struct Ranges {
    found: HashMap<(String, u64, u64), Bytes>,
    order: VecDeque<(String, u64, u64)>,
    bytes: usize,
}

impl Ranges {
    fn get(&self, archive: &str, range: &Range<u64>) -> Option<Bytes> {
        self.found.get(&(archive.to_owned(), range.start, range.end)).cloned()
    }

    fn keep(&mut self, archive: &str, range: Range<u64>, bytes: Bytes) {
        let key = (archive.to_owned(), range.start, range.end);
        if bytes.len() > KEPT / 8 || self.found.contains_key(&key) {
            return;
        }
        self.bytes += bytes.len();
        self.found.insert(key.clone(), bytes);
        self.order.push_back(key);
        while self.bytes > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.found.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_in_memory_have_an_end() {
        let mut ranges = Ranges::default();
        let piece = Bytes::from(vec![0; KEPT / 10]);
        for place in 0..40 {
            ranges.keep("a", place..place + 1, piece.clone());
            assert!(ranges.bytes <= KEPT && ranges.found.len() == ranges.order.len());
        }
        assert_eq!(ranges.get("a", &(39..40)), Some(piece));
        assert_eq!(ranges.get("a", &(0..1)), None);
        ranges.keep("b", 0..1, Bytes::from(vec![0; KEPT / 2]));
        assert_eq!(ranges.get("b", &(0..1)), None, "one large piece does not push out all others");
    }

    #[tokio::test]
    async fn an_address_names_a_bucket() {
        for bad in ["s3://", "s3:///folder", "bucket/folder"] {
            assert!(Bucket::at(bad).unwrap_err().to_string().contains("s3://bucket/folder"), "{bad}");
        }
    }
}
