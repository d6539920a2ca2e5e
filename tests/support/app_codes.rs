//! What the app on somebody's telephone does: six digits from a secret and the time (RFC 6238), written anew here.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Half minutes since 1970, by the clock of this machine.
pub fn step_now() -> i64 {
    let passed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(passed.as_secs() / 30).expect("before the end of time")
}

/// The bytes of a secret in base 32.
pub fn bytes_of(secret: &str) -> Vec<u8> {
    let value = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).expect("base 32");
    let bits: String = secret.chars().map(|c| format!("{:05b}", value(c))).collect();
    let byte = |at: usize| u8::from_str_radix(&bits[at..at + 8], 2).expect("eight bits");
    (0..bits.len() / 8).map(|place| byte(place * 8)).collect()
}

/// What the app shows at a step.
pub fn code(secret: &str, step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&bytes_of(secret)).expect("a key");
    mac.update(&u64::try_from(step).expect("after 1970").to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let from = (tag[tag.len() - 1] & 15) as usize;
    let number = u32::from_be_bytes(tag[from..from + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
