//! Who somebody is: accounts, sessions and their cookies, tokens, invitations and roles, and what is stored about a person.

pub mod accounts;
pub mod cookies;
pub mod invitations;
pub mod members;
pub mod person;
pub mod second_factor;
pub mod session;
pub mod sessions;
pub mod tokens;
