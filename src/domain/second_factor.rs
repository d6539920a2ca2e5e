//! The second factor: one-time passwords of an app on somebody's telephone (RFC 6238, 2011: SHA-1, six digits, 30 seconds).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Invalid;
use super::words::words;

/// How long a code is good, milliseconds.
const STEP_MS: i64 = 30_000;
/// Bytes of a secret: 160 bits, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
/// One more than the highest code of six digits.
const CODES: u32 = 1_000_000;
/// Base 32 as apps read it (RFC 4648, 2006).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

words! {
    /// How somebody stands with the second factor.
    SecondFactor {
        /// There is none, and none is needed.
        None = "none",
        /// There is one, and signing in asks for its code.
        SetUp = "set_up",
        /// There is none, and what the person was given holds only once there is: the operator wants it so.
        Missing = "missing",
    }
}

/// Whom the operator asks for a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecondFactorRule {
    /// Nobody: whoever wants one sets it up.
    #[default]
    Optional,
    /// People with power ([`super::access::Person::has_power`]): without one they have none.
    Required,
}

/// A code as somebody typed it. It is not printed anywhere, so it cannot be formatted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// Reads six digits, with blanks or without, in the digits of Europe, of Arabic or of Persian.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn parse(typed: &str) -> Result<Code, Invalid> {
        let digits: Option<Vec<u32>> = typed.chars().filter(|c| !c.is_whitespace()).map(digit).collect();
        let six = digits.filter(|digits| digits.len() == 6);
        let six = six.ok_or_else(|| Invalid::new("code", "a code of the second factor is six digits"))?;
        Ok(Code(six.into_iter().fold(0, |number, digit| number * 10 + digit)))
    }

    /// The step whose code this is: that of now, the one before or the one after, since clocks differ. Each step is used once,
    /// so only one after `last_step` will do.
    pub fn step(self, secret: &[u8], last_step: i64, now_ms: i64) -> Option<i64> {
        let now = now_ms.div_euclid(STEP_MS);
        (now - 1..=now + 1).find(|step| *step > last_step && code_of(secret, *step) == self.0)
    }
}

fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}

/// The code of a step: HOTP (RFC 4226, 5.3) of the number of 30 seconds since 1970.
fn code_of(secret: &[u8], step: i64) -> u32 {
    truncated(secret, step) % CODES
}

/// The 31 bits of the step's HMAC from which digits are taken.
fn truncated(secret: &[u8], step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("a key of any length will do");
    mac.update(&step.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let at = usize::from(tag[19] & 0x0f);
    u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]])
}

/// A secret in the letters and digits in which people type it into an app.
pub fn base32(secret: &[u8; SECRET_BYTES]) -> String {
    let five_at = |bit: usize| {
        let pair = u16::from_be_bytes([secret[bit / 8], secret.get(bit / 8 + 1).copied().unwrap_or(0)]);
        usize::from(pair >> (11 - bit % 8)) & 31
    };
    (0..SECRET_BYTES * 8).step_by(5).map(|bit| char::from(ALPHABET[five_at(bit)])).collect()
}

/// The address that an app reads from the picture: who issued it, for which account, and the secret.
pub fn otpauth(issuer: &str, name: &str, secret: &[u8; SECRET_BYTES]) -> String {
    // Apps take the first colon, escaped or not, for the end of the issuer: a port stands behind a blank.
    let (issuer, name, secret) = (escaped(&issuer.replace(':', " ")), escaped(name), base32(secret));
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

/// A part of an address: everything that is not plain is written as `%` and two digits.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &[u8; SECRET_BYTES] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_rfc_6238_and_rfc_4226() {
        // Appendix B, SHA-1: eight digits of these seconds.
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(truncated(RFC, seconds / 30) % 100_000_000, code, "{seconds}");
        }
        // Appendix D: six digits of the first ten steps.
        let first = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (step, code) in (0..).zip(first) {
            assert_eq!(code_of(RFC, step), code, "{step}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_to_either_side_and_after_the_last_one_only() {
        let at = |step: i64| step * STEP_MS + 17;
        let code = Code::parse("338314").unwrap();
        for (now, found) in [(2, None), (3, Some(4)), (4, Some(4)), (5, Some(4)), (6, None)] {
            assert_eq!(code.step(RFC, 0, at(now)), found, "{now}");
        }
        assert_eq!(
            (code.step(RFC, 3, at(4)), code.step(RFC, 4, at(4)), code.step(RFC, 9, at(4))),
            (Some(4), None, None)
        );
        assert_eq!(Code::parse("338315").unwrap().step(RFC, 0, at(4)), None);
    }

    #[test]
    fn a_code_is_six_digits_as_people_write_them() {
        for typed in ["338314", " 338 314\n", "٣٣٨٣١٤", "۳۳۸ ۳۱۴"] {
            assert!(Code::parse(typed).is_ok_and(|code| code == Code(338_314)), "{typed}");
        }
        assert!(Code::parse("000007").is_ok_and(|code| code == Code(7)));
        for typed in ["", "33831", "3383144", "33831x", "-38314", "+38314", "33,831", "３３８３１４"] {
            assert_eq!(Code::parse(typed).err().map(|wrong| wrong.field), Some("code".into()), "{typed}");
        }
    }

    #[test]
    fn apps_are_told_who_where_and_the_secret() {
        assert_eq!(base32(RFC), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(&[0xff; 20]), "7".repeat(32));
        assert_eq!(
            otpauth("aftermap map.example.org:81", "ليلى", RFC),
            "otpauth://totp/aftermap%20map.example.org%2081:%D9%84%D9%8A%D9%84%D9%89?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=aftermap%20map.example.org%2081&algorithm=SHA1&digits=6&period=30"
        );
    }
}
