//! Who holds a role in a campaign: listed, changed, removed. Every such act is written to the audit log.

use crate::domain::access::Viewer;
use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::volunteer::{Role, check_name};
use crate::services::Error;
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::people::members::{self, Member};
use crate::storage::people::{invitations, roles, volunteers};
use crate::storage::{Conn, campaigns};

/// The members of a campaign, the highest role first.
pub fn list(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Member>, Error> {
    Ok(members::of_campaign(conn, campaign.id)?)
}

/// Refuses a role above that of whoever gives it.
pub fn may_give(viewer: &Viewer, campaign: &Campaign, role: Role) -> Result<(), Error> {
    match viewer.role_in(campaign.id).is_some_and(|own| own >= role) {
        true => Ok(()),
        false => Err(Error::Forbidden(format!("nobody gives the role {role} who does not have it"))),
    }
}

/// The same, asked of the database: where the campaign is locked, whoever took the viewer's role away a moment ago is
/// before us. What a token may do stays capped by its scopes.
pub fn may_give_still(conn: &mut Conn, viewer: &Viewer, campaign: &Campaign, role: Role) -> Result<(), Error> {
    may_give(viewer, campaign, role)?;
    let Some(id) = viewer.volunteer_id() else { return Ok(()) };
    match members::highest_role(conn, campaign.id, id)?.is_some_and(|own| own >= role) {
        true => Ok(()),
        false => Err(Error::Forbidden("your own role was taken away a moment ago".into())),
    }
}

/// Gives the account of that name a role, in place of any other that it has in the campaign.
pub fn add(
    conn: &mut Conn,
    viewer: &Viewer,
    campaign: &Campaign,
    name: &str,
    role: Role,
    now: i64,
) -> Result<Member, Error> {
    let account = volunteers::by_name(conn, &check_name(name)?)?.filter(|account| !account.closed);
    let account = account.ok_or_else(|| Error::NotFound(format!("there is no account `{name}`")))?;
    put(conn, viewer, campaign, account.id, role, now)
}

/// Gives a member, named by their pseudonym, another role.
pub fn change(
    conn: &mut Conn,
    viewer: &Viewer,
    campaign: &Campaign,
    id: &str,
    role: Role,
    now: i64,
) -> Result<Member, Error> {
    let member = find(conn, campaign, id)?;
    if member.name.is_none() && role > Role::Volunteer {
        return Err(Error::Conflict(format!("who is to be a {role} needs an account")));
    }
    put(conn, viewer, campaign, member.volunteer, role, now)
}

/// Takes every role in the campaign from a member, named by their pseudonym. It acts with their next request.
///
/// The last coordinator cannot go: an admin, or another coordinator made first, can do it.
pub fn remove(conn: &mut Conn, viewer: &Viewer, campaign: &Campaign, id: &str, now: i64) -> Result<(), Error> {
    campaigns::lock(conn, campaign.id)?;
    let member = find(conn, campaign, id)?;
    may_give_still(conn, viewer, campaign, member.role)?;
    if member.role == Role::Coordinator {
        stays_coordinated(conn, viewer, campaign, member.volunteer)?;
    }
    members::remove(conn, campaign.id, member.volunteer)?;
    revoke_invitations(conn, viewer, campaign, member.volunteer, now)?;
    let detail = serde_json::json!({ "role": member.role }).to_string();
    let act = Act { act: "remove_member", subject: &member.volunteer.to_string(), reason: "", detail: &detail };
    Ok(audit_log::note_in_full(conn, viewer.volunteer_id(), Some(campaign.id), &act, now)?)
}

fn put(
    conn: &mut Conn,
    viewer: &Viewer,
    campaign: &Campaign,
    volunteer: i64,
    role: Role,
    now: i64,
) -> Result<Member, Error> {
    // Two coordinators who make each other volunteers take turns, and the second finds that it is the last, or none.
    campaigns::lock(conn, campaign.id)?;
    may_give_still(conn, viewer, campaign, role)?;
    let before = members::of_campaign(conn, campaign.id)?.into_iter().find(|member| member.volunteer == volunteer);
    if let Some(before) = &before {
        may_give(viewer, campaign, before.role)?;
        if before.role == role {
            return Ok(before.clone());
        }
        if before.role == Role::Coordinator {
            stays_coordinated(conn, viewer, campaign, volunteer)?;
        }
    }
    members::remove(conn, campaign.id, volunteer)?;
    roles::grant(conn, volunteer, campaign.id, role, viewer.volunteer_id(), now)?;
    revoke_invitations(conn, viewer, campaign, volunteer, now)?;
    let detail = serde_json::json!({ "role": role, "before": before.map(|member| member.role) }).to_string();
    let act = Act { act: "set_role", subject: &volunteer.to_string(), reason: "", detail: &detail };
    audit_log::note_in_full(conn, viewer.volunteer_id(), Some(campaign.id), &act, now)?;
    let found = members::of_campaign(conn, campaign.id)?.into_iter().find(|member| member.volunteer == volunteer);
    found.ok_or_else(|| Error::Internal("a role that was just given is missing".into()))
}

/// Ends what somebody invited others to, and could come back by themself, as far as they may not give it any more.
fn revoke_invitations(
    conn: &mut Conn,
    viewer: &Viewer,
    campaign: &Campaign,
    maker: i64,
    now: i64,
) -> Result<(), Error> {
    let left = members::highest_role(conn, campaign.id, maker)?;
    let theirs = invitations::of_campaign(conn, campaign.id)?.into_iter().filter(|one| one.created_by == Some(maker));
    for one in theirs.filter(|one| left.is_none_or(|left| left < one.role)) {
        if invitations::revoke(conn, campaign.id, one.id, now)? {
            let subject = one.id.to_string();
            let reason = "whoever made it may not give this role any more";
            let act = Act { act: "revoke_invitation", subject: &subject, reason, detail: "{}" };
            audit_log::note_in_full(conn, viewer.volunteer_id(), Some(campaign.id), &act, now)?;
        }
    }
    Ok(())
}

fn stays_coordinated(conn: &mut Conn, viewer: &Viewer, campaign: &Campaign, without: i64) -> Result<(), Error> {
    let others = members::of_campaign(conn, campaign.id)?
        .into_iter()
        .any(|member| member.role == Role::Coordinator && member.active && member.volunteer != without);
    match others || viewer.is_admin() {
        true => Ok(()),
        false => {
            Err(Error::Conflict("this is the campaign's last coordinator: make somebody else coordinator first".into()))
        }
    }
}

fn find(conn: &mut Conn, campaign: &Campaign, id: &str) -> Result<Member, Error> {
    let all = members::of_campaign(conn, campaign.id)?;
    let known = |member: &Member| pseudonym(&campaign.pseudonym_key, member.volunteer) == id;
    all.into_iter().find(known).ok_or_else(|| Error::NotFound(format!("there is no member `{id}` of this campaign")))
}
