//! GeoJSON feature after feature: what is in memory is what was kept and one feature, never the file.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};

use geojson::Feature;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The longest feature, and the longest rest of a file, bytes.
const MOST_BYTES: u64 = 8 << 20;

/// Gives every feature of a file to `visit`, until one is refused; the other members of the file come back. A file that
/// is one feature by itself has no list of them: it is all members.
pub(super) fn each(
    mut input: impl BufRead,
    visit: &mut dyn FnMut(Feature) -> Result<(), String>,
) -> Result<(bool, Map<String, Value>), String> {
    begin(&mut input).map_err(|reason| format!("is not GeoJSON: {reason}"))?;
    let left = Cell::new(MOST_BYTES);
    let mut reader = serde_json::Deserializer::from_reader(Metered { input, left: &left });
    let mut walk = Walk { visit, left: &left, refused: None, listed: false, members: Map::new() };
    let read = reader.deserialize_map(&mut walk).and_then(|()| reader.end());
    match (walk.refused, read) {
        (Some(reason), _) => Err(reason),
        (None, Err(error)) => Err(format!("is not GeoJSON: {error}")),
        (None, Ok(())) => Ok((walk.listed, walk.members)),
    }
}

/// Skips what some programs write first. What does not begin like an object is not read any further.
fn begin(input: &mut impl BufRead) -> Result<(), String> {
    loop {
        let bytes = input.fill_buf().map_err(|error| error.to_string())?;
        let spaces = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        match (spaces + mark, bytes.first()) {
            (0, Some(b'{')) => return Ok(()),
            (0, _) => return Err("it does not begin with an object".into()),
            (skip, _) => input.consume(skip),
        }
    }
}

/// Ends a feature, or what stands beside the features, that goes on for too long.
struct Metered<'a, R> {
    input: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.left.get().min(into.len() as u64) as usize;
        if most == 0 && !into.is_empty() {
            return Err(io::Error::other("it holds a piece of more than 8 MB, which no building takes"));
        }
        let read = self.input.read(&mut into[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

/// One walk through a file.
struct Walk<'a> {
    visit: &'a mut dyn FnMut(Feature) -> Result<(), String>,
    left: &'a Cell<u64>,
    refused: Option<String>,
    listed: bool,
    members: Map<String, Value>,
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "features" => map.next_value_seed(Features(self))?,
                _ => drop(self.members.insert(name, map.next_value()?)),
            }
        }
        Ok(())
    }
}

struct Features<'w, 'a>(&'w mut Walk<'a>);

impl<'de> DeserializeSeed<'de> for Features<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let walk = self.0;
        walk.listed = true;
        walk.left.set(MOST_BYTES);
        while let Some(feature) = list.next_element::<Feature>()? {
            if let Err(reason) = (walk.visit)(feature) {
                walk.refused = Some(reason);
                return Err(A::Error::custom("refused"));
            }
            walk.left.set(MOST_BYTES);
        }
        Ok(())
    }
}
