//! What somebody must be to pass the gate: one type for each standing, so that a handler's signature names it.

use crate::domain::access::{MapGrain, Viewer};
use crate::domain::campaign::Campaign;

/// What somebody must be to pass.
pub trait Standing: 'static {
    /// Whether this viewer may pass where no campaign is concerned.
    fn admit(viewer: &Viewer) -> bool;
    /// Whether this viewer may pass in a campaign that they can see.
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool;
    /// Whether their password must have been given within the last quarter of an hour: for what a thief with an open
    /// session would do first. No token passes, since it cannot give a password.
    const PROVEN: bool = false;
}

/// Everybody, signed in or not.
pub struct Anyone;
/// Whoever is signed in, guests too, by themself: a personal token is not enough.
pub struct Myself;
/// Whoever is signed in, guests too, and may label.
pub struct Volunteer;
/// Whoever may have the damage map.
pub struct MapReader;
/// Whoever may have the damage map, be it in area cells only.
pub struct CellReader;
/// Whoever may see tiles that are open, and what volunteers remark on them.
pub struct Reviewer;
/// The same where something is changed: a token that may only read is not enough.
pub struct ActingReviewer;
/// Whoever may see everything that is known of every tile.
pub struct Researcher;
/// The same where something is changed.
pub struct ActingResearcher;
/// Whoever runs the campaign.
pub struct Coordinator;
/// Whoever may make campaigns.
pub struct Creator;

/// Whoever runs the server.
pub struct Admin;
/// Whoever is signed in, by themself, and gave their password just now.
pub struct ProvenMyself;
/// Whoever runs the campaign, by themself, and gave their password just now.
pub struct ProvenCoordinator;
/// Whoever runs the server, by themself, and gave their password just now.
pub struct ProvenAdmin;

impl Standing for ProvenMyself {
    const PROVEN: bool = true;
    fn admit(viewer: &Viewer) -> bool {
        Myself::admit(viewer)
    }
    fn admit_to(viewer: &Viewer, _: &Campaign) -> bool {
        Myself::admit(viewer)
    }
}

impl Standing for ProvenCoordinator {
    const PROVEN: bool = true;
    fn admit(viewer: &Viewer) -> bool {
        Myself::admit(viewer) && Coordinator::admit(viewer)
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        Myself::admit(viewer) && Coordinator::admit_to(viewer, campaign)
    }
}

impl Standing for ProvenAdmin {
    const PROVEN: bool = true;
    fn admit(viewer: &Viewer) -> bool {
        Myself::admit(viewer) && Admin::admit(viewer)
    }
    fn admit_to(viewer: &Viewer, _: &Campaign) -> bool {
        ProvenAdmin::admit(viewer)
    }
}

impl Standing for Admin {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, _: &Campaign) -> bool {
        viewer.is_admin()
    }
}

impl Standing for Anyone {
    fn admit(_: &Viewer) -> bool {
        true
    }
    fn admit_to(_: &Viewer, _: &Campaign) -> bool {
        true
    }
}

impl Standing for Myself {
    fn admit(viewer: &Viewer) -> bool {
        viewer.person().is_some_and(|person| person.scopes.own)
    }
    fn admit_to(viewer: &Viewer, _: &Campaign) -> bool {
        Myself::admit(viewer)
    }
}

impl Standing for Volunteer {
    fn admit(viewer: &Viewer) -> bool {
        viewer.person().is_some_and(|person| person.scopes.label)
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_label(campaign)
    }
}

impl Standing for MapReader {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_see_map(campaign)
    }
}

impl Standing for CellReader {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.map_grain(campaign) != MapGrain::Nothing
    }
}

impl Standing for Reviewer {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_see_open_tiles(campaign)
    }
}

impl Standing for ActingReviewer {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_review(campaign)
    }
}

impl Standing for Researcher {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_download_labels(campaign)
    }
}

impl Standing for ActingResearcher {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_research(campaign)
    }
}

impl Standing for Coordinator {
    fn admit(viewer: &Viewer) -> bool {
        viewer.is_admin()
    }
    fn admit_to(viewer: &Viewer, campaign: &Campaign) -> bool {
        viewer.may_coordinate(campaign)
    }
}

impl Standing for Creator {
    fn admit(viewer: &Viewer) -> bool {
        viewer.may_create()
    }
    fn admit_to(viewer: &Viewer, _: &Campaign) -> bool {
        viewer.may_create()
    }
}
