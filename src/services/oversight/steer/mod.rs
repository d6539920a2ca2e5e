//! Steering a campaign that runs: where first, how many labels, what is taken out of view.

pub mod extend;
pub mod outlook;
pub mod policy;
pub mod priorities;
pub mod withdraw;

use crate::services::Error;

/// Most characters of a reason.
const MAX_REASON: usize = 1_000;

/// A reason that can be kept: some words.
fn check_reason(reason: &str) -> Result<String, Error> {
    let reason = reason.trim();
    let length = reason.chars().count();
    match (1..=MAX_REASON).contains(&length) && !reason.contains('\0') {
        true => Ok(reason.to_owned()),
        false => Err(Error::invalid("reason", format!("say why, in 1 to {MAX_REASON} characters"))),
    }
}
