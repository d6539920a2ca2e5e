//! A campaign itself: started as a draft, described, checked, opened and closed.

pub mod apply_campaign;
pub mod campaign_file;
pub mod change_state;
pub mod checklist;
pub mod create_campaign;
pub mod delete_draft;
pub mod estimate;
pub mod scale_file;
pub mod settings;
pub mod texts;
