//! Pseudonyms: a name for each volunteer that is the same everywhere in one campaign and tells nothing beyond it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The pseudonym of a volunteer: `v` and 12 hex digits of HMAC-SHA256(key of the campaign, id of the volunteer).
///
/// Without the key nobody can tell which volunteer it is, nor that two pseudonyms of two campaigns are one person.
/// The letter in front keeps spreadsheets from reading one of them as a number.
pub fn pseudonym(campaign_key: &[u8], volunteer_id: i64) -> String {
    let tag = hmac_sha256(campaign_key, &volunteer_id.to_be_bytes());
    let hex: String = tag[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v{hex}")
}

/// HMAC-SHA256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_hmac_is_the_one_of_rfc_4231() {
        let short = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_pseudonym_is_stable_in_a_campaign_and_differs_between_two() {
        assert_eq!(pseudonym(b"one", 42), pseudonym(b"one", 42));
        assert_ne!(pseudonym(b"one", 42), pseudonym(b"two", 42));
        assert_ne!(pseudonym(b"one", 42), pseudonym(b"one", 43));
        assert_eq!(pseudonym(b"one", 42).len(), 13);
    }
}
