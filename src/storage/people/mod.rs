//! Who somebody is: volunteers with or without an account, how they sign in, and what they may do.

pub mod invitations;
pub mod members;
pub mod person;
pub mod personal_tokens;
pub mod roles;
pub mod second_factors;
pub mod sessions;
pub mod volunteers;
