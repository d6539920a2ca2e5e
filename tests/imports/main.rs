//! Projects of other systems brought in, and our maps in their columns: real answers, the published figures, and other
//! people's programs; on both databases.

mod bad_input;
mod compat;
mod helpers;
mod labels;
mod les_cayes;
mod repeats;
#[path = "../support/mod.rs"]
mod support;
