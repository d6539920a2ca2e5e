//! Numbers to bytes and back, little-endian and exact, for the rows in which models and skills are kept.

use std::fmt;

/// Bytes that are no model or skill of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stored model is damaged or of another version: fit the campaign anew")
    }
}

impl std::error::Error for Unreadable {}

/// Appends numbers to a row of bytes.
#[derive(Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }
    pub fn f32(&mut self, value: f32) {
        self.0.extend(value.to_le_bytes());
    }
    pub fn f64(&mut self, value: f64) {
        self.0.extend(value.to_le_bytes());
    }
    pub fn list<T>(&mut self, values: &[T], write: impl Fn(&mut Writer, &T)) {
        self.u32(values.len() as u32);
        for value in values {
            write(self, value);
        }
    }
}

/// Takes numbers off a row of bytes.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.0 = tail;
        Ok(*head)
    }
    pub fn u8(&mut self) -> Result<u8, Unreadable> {
        Ok(self.take::<1>()?[0])
    }
    pub fn u32(&mut self) -> Result<u32, Unreadable> {
        Ok(u32::from_le_bytes(self.take()?))
    }
    pub fn f32(&mut self) -> Result<f32, Unreadable> {
        finite(f32::from_le_bytes(self.take()?), f32::is_finite)
    }
    pub fn f64(&mut self) -> Result<f64, Unreadable> {
        finite(f64::from_le_bytes(self.take()?), f64::is_finite)
    }
    pub fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Unreadable>) -> Result<Vec<T>, Unreadable> {
        let count = self.u32()? as usize;
        // A length can lie; each entry is at least one byte, so it can never exceed what is left.
        if count > self.0.len() {
            return Err(Unreadable);
        }
        (0..count).map(|_| read(self)).collect()
    }
    pub fn end(self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable) }
    }
}

fn finite<T: Copy>(value: T, is_finite: fn(T) -> bool) -> Result<T, Unreadable> {
    if is_finite(value) { Ok(value) } else { Err(Unreadable) }
}
