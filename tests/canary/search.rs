//! Every byte of every file below a folder, unpacked where it is packed, compared with all that may not be there.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::person::Person;
use crate::server::House;

/// Bytes at the beginning of a needle by which it is looked up.
const HEAD: usize = 8;

/// What is searched for, each with a word for its kind; in small letters.
pub struct Needles {
    by_head: HashMap<[u8; HEAD], Vec<(&'static str, Vec<u8>)>>,
}

/// What was found: its kind and the file, and where it stands there first.
#[derive(Default)]
pub struct Found(BTreeMap<(&'static str, String), String>);

impl Needles {
    /// All that is known of these people.
    pub fn of<'a>(people: impl Iterator<Item = &'a Person>) -> Needles {
        let mut needles = Needles { by_head: HashMap::new() };
        for person in people {
            let Person { name, email, agent, address, password, .. } = person;
            needles.add("name", name.as_bytes());
            needles.add("words", email.as_bytes());
            needles.add("agent", agent.as_bytes());
            needles.add("address", address.to_string().as_bytes());
            needles.add("address", &address.octets());
            needles.add("password", password.as_bytes());
            if let Some(factor) = person.factor.lock().unwrap().as_ref() {
                let bytes = crate::app_codes::bytes_of(&factor.secret);
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                needles.add("factor", &bytes);
                needles.add("factor", hex.as_bytes());
            }
            for secret in person.secrets.lock().unwrap().iter() {
                needles.add("secret", secret.as_bytes());
                needles.add("secret", secret.replace('-', "").as_bytes());
            }
        }
        needles
    }

    fn add(&mut self, kind: &'static str, needle: &[u8]) {
        let needle = needle.to_ascii_lowercase();
        let head = needle[..HEAD].try_into().expect("needles are long");
        self.by_head.entry(head).or_default().push((kind, needle));
    }

    /// All that is found in the files below a folder.
    pub fn search(&self, folder: &Path) -> Found {
        let (mut found, mut folders, mut files) = (Found::default(), vec![folder.to_owned()], 0);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    self.search_file(&path, &mut found);
                    files += 1;
                }
            }
        }
        assert!(files > 0, "there are files in {}", folder.display());
        found
    }

    fn search_file(&self, path: &Path, found: &mut Found) {
        let Ok(bytes) = std::fs::read(path) else { return };
        let shown = path.display().to_string();
        self.search_bytes(shown.as_bytes(), &format!("the name of {shown}"), found);
        self.search_bytes(&bytes, &shown, found);
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        assert!(!["zip", "zst", "xz", "bz2", "tar"].contains(&extension), "say how {shown} is unpacked");
        if extension == "gz" {
            let mut unpacked = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).expect("a gzip file");
            self.search_bytes(&unpacked, &format!("{shown}, unpacked"), found);
        }
        if extension == "parquet" {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a parquet file");
            for row in reader.get_row_iter(None).expect("rows") {
                self.search_bytes(row.expect("a row").to_string().as_bytes(), &format!("{shown}, unpacked"), found);
            }
        }
    }

    /// All that is found in some bytes.
    pub fn search_bytes(&self, bytes: &[u8], place: &str, found: &mut Found) {
        let small = bytes.to_ascii_lowercase();
        for at in 0..small.len().saturating_sub(HEAD - 1) {
            let head: [u8; HEAD] = small[at..at + HEAD].try_into().expect("eight bytes");
            for (kind, needle) in self.by_head.get(&head).into_iter().flatten() {
                if small[at..].starts_with(needle) {
                    let around = &bytes[at.saturating_sub(160)..bytes.len().min(at + needle.len() + 40)];
                    let around = || String::from_utf8_lossy(around).into_owned();
                    found.0.entry((kind, place.to_owned())).or_insert_with(around);
                }
            }
        }
    }
}

impl Found {
    /// Both together.
    pub fn and(mut self, other: Found) -> Found {
        self.0.extend(other.0);
        self
    }

    /// Whether something of that kind was found.
    pub fn has(&self, kind: &str) -> bool {
        self.0.keys().any(|(found, _)| *found == kind)
    }

    /// Asserts that nothing was found but these kinds.
    #[track_caller]
    pub fn only(&self, kinds: &[&str], database: &str) {
        let leaks: Vec<_> = self.0.iter().filter(|((kind, _), _)| !kinds.contains(kind)).collect();
        assert!(leaks.is_empty(), "on {database}: {leaks:#?}");
    }

    /// Asserts that nothing was found.
    #[track_caller]
    pub fn are_nowhere(&self, database: &str) {
        self.only(&[], database);
    }
}

/// The same in all rows of a PostgreSQL, which keeps them elsewhere; nothing where the database is a file in the data folder.
pub fn dump(house: &House, needles: &Needles) -> Found {
    let mut found = Found::default();
    if let Some(dumped) = house.dump() {
        assert!(dumped.len() > 10_000, "the dump holds the database");
        for line in dumped.split(|byte| *byte == b'\n') {
            let place =
                String::from_utf8_lossy(line.split(|byte| *byte == b'(').next().unwrap_or_default()).into_owned();
            needles.search_bytes(line, &place, &mut found);
        }
    }
    let is_account = |place: &str| place.starts_with("INSERT INTO public.volunteers ");
    let named: Vec<_> = found.0.keys().filter(|(kind, place)| *kind == "name" && !is_account(place)).collect();
    assert!(named.is_empty(), "names stand in the accounts alone: {named:#?}");
    found
}
