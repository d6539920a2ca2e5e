//! Who somebody is: accounts, sessions, tokens, roles and invitations, and what is stored about a person.

pub mod access_token;
pub mod accounts;
pub mod delete_person;
pub mod grant_role;
pub mod invite;
pub mod members;
pub mod my_data;
pub mod passwords;
pub mod prove;
pub mod reset_password;
pub mod second_factor;
pub mod secrets;
pub mod sessions;
pub mod sign_in;
pub mod throttle;
pub mod tokens;
