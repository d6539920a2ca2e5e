//! Secrets that the server makes: random tokens and recovery codes. Only their SHA-256 is ever stored.
//!
//! A plain hash is enough for these: unlike passwords they are random and too long to be guessed.

use rand::Rng;
use sha2::{Digest, Sha256};

/// Crockford's base 32 (2019): no letter that can be taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a token: 256 bits.
const TOKEN_LENGTH: usize = 52;
/// Groups of four characters in a recovery code: 140 bits.
const RECOVERY_GROUPS: usize = 7;

/// The SHA-256 by which a secret is found again.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The same, as hexadecimal digits.
pub fn hash_hex(secret: &str) -> String {
    hash(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new random token of 256 bits, in letters and digits.
pub fn token() -> String {
    random_text(TOKEN_LENGTH)
}

/// A new recovery code such as `7QK2-…`: seven groups of four, 140 bits.
pub fn recovery_code() -> String {
    let groups: Vec<String> = (0..RECOVERY_GROUPS).map(|_| random_text(4)).collect();
    groups.join("-")
}

/// A recovery code as it was typed, in the form in which codes are compared: without blanks and dashes, capital
/// letters, and O, I and L read as the digits they look like.
pub fn normal_recovery_code(typed: &str) -> String {
    let read = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    typed.chars().filter(|c| c.is_ascii_alphanumeric()).map(read).collect()
}

fn random_text(length: usize) -> String {
    let mut bytes = vec![0u8; length];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_survives_being_typed_by_hand() {
        let code = recovery_code();
        assert_eq!(code.len(), 34);
        let typed = format!(" {} ", code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
        assert_eq!(normal_recovery_code(&typed), normal_recovery_code(&code));
    }

    #[test]
    fn tokens_do_not_repeat() {
        let tokens: std::collections::HashSet<String> = (0..1_000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1_000);
        assert_eq!(hash_hex("x").len(), 64);
    }
}
