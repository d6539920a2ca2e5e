//! The tables as diesel sees them: the same for both databases. `migrations/` is the source; a test compares the two.

#![allow(missing_docs)] // the tables are described in the migrations

mod campaign;
mod findings;
mod imagery;
mod labelling;
mod people;

pub use campaign::*;
pub use findings::*;
pub use imagery::*;
pub use labelling::*;
pub use people::*;

diesel::joinable!(frames -> scenes (scene_id));
diesel::joinable!(frames -> tiles (tile));
diesel::joinable!(queue -> tiles (tile));
diesel::joinable!(consensus -> tiles (tile));
diesel::joinable!(gold -> tiles (tile));
diesel::joinable!(gold_texts -> gold (tile));
diesel::joinable!(labels -> tiles (tile));
diesel::joinable!(leases -> tiles (tile));
diesel::joinable!(reviews -> tiles (tile));
diesel::joinable!(review_holds -> tiles (tile));
diesel::joinable!(notes -> tiles (tile));
diesel::joinable!(practice_answers -> tiles (tile));
diesel::joinable!(sample_tiles -> tiles (tile));
diesel::joinable!(grades -> tiles (tile));
diesel::joinable!(before_exclusion -> tiles (tile));
diesel::joinable!(announcement_readers -> announcements (announcement_id));
diesel::joinable!(grades -> samples (sample_id));
diesel::joinable!(withdrawals -> tiles (tile));
diesel::joinable!(withdrawals -> scenes (scene_id));

diesel::allow_tables_to_appear_in_same_query!(
    volunteers,
    sessions,
    personal_tokens,
    second_factors,
    scales,
    scale_answers,
    campaigns,
    campaign_texts,
    guide_texts,
    imports,
    policies,
    roles,
    invitations,
    invitation_uses,
    policy_versions,
    priority_areas,
    withdrawals,
    participations,
    exclusions,
    announcements,
    announcement_readers,
    scenes,
    footprints,
    tiles,
    frames,
    queue,
    change_hints,
    ring_positions,
    leases,
    labels,
    current_labels,
    before_exclusion,
    notes,
    gold,
    gold_texts,
    practice_answers,
    models,
    skills,
    consensus,
    reviews,
    review_holds,
    jobs,
    uploads,
    releases,
    coarse_cells,
    samples,
    sample_tiles,
    grades,
    audit_log,
    locks,
    backups,
);
