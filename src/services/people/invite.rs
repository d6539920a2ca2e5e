//! Invitations to a campaign: made and revoked by coordinators, looked at and accepted by whoever holds the secret.
//!
//! The secret is a random token of 256 bits, shown once; the server keeps its hash. It travels in bodies only, never in an
//! address, so that no log of a proxy holds it.

use super::{members, secrets};
use crate::domain::access::Viewer;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::second_factor::SecondFactorRule;
use crate::domain::volunteer::Role;
use crate::services::Error;
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::people::invitations::{self, Invitation};
use crate::storage::people::{members as stored_members, roles, second_factors};
use crate::storage::{Conn, campaigns, new_id};

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// Most people whom one link may let in.
const MAX_USES: u32 = 10_000;
/// Longest time for which a link is good, days.
const MAX_DAYS: u32 = 366;
/// Most characters of a note.
const MAX_NOTE: usize = 200;
/// Invitations of one campaign that may be good at the same time.
const MAX_GOOD: usize = 200;

/// What a coordinator wants an invitation to be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The role that it gives.
    pub role: Role,
    /// Whether people without an account may use it; for volunteers only.
    pub guests: bool,
    /// How many people may use it.
    pub uses: u32,
    /// Days for which it is good.
    pub days: u32,
    /// Whom it is for.
    pub note: String,
}

impl Wish {
    fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_USES).contains(&self.uses) {
            return Err(Error::invalid("uses", format!("an invitation is for 1 to {MAX_USES} people")));
        }
        if !(1..=MAX_DAYS).contains(&self.days) {
            return Err(Error::invalid("days", format!("an invitation is good for 1 to {MAX_DAYS} days")));
        }
        if self.guests && self.role != Role::Volunteer {
            return Err(Error::invalid("guests", format!("who is to be a {} needs an account", self.role)));
        }
        if self.note.chars().count() > MAX_NOTE || self.note.contains('\0') {
            return Err(Error::invalid("note", format!("a note has at most {MAX_NOTE} characters, and no U+0000")));
        }
        Ok(())
    }
}

/// Makes an invitation whose secret has this text. The secret is made before the transaction, which may be repeated.
///
/// Nobody invites to a role higher than their own.
pub fn make(
    conn: &mut Conn,
    viewer: &Viewer,
    campaign: &Campaign,
    wish: &Wish,
    secret: &str,
    now: i64,
) -> Result<Invitation, Error> {
    wish.check()?;
    campaigns::lock(conn, campaign.id)?;
    members::may_give_still(conn, viewer, campaign, wish.role)?;
    if campaigns::hold_state(conn, campaign.id)? == CampaignState::Archived {
        return Err(Error::Conflict("this campaign is over: nobody is let in any more".into()));
    }
    let all = invitations::of_campaign(conn, campaign.id)?;
    if all.iter().filter(|one| standing(one, now) == Standing::Good).count() >= MAX_GOOD {
        let reason = format!("{MAX_GOOD} invitations of this campaign are good: revoke those that nobody needs");
        return Err(Error::Conflict(reason));
    }
    let invitation = Invitation {
        id: new_id(),
        campaign_id: campaign.id,
        role: wish.role,
        guests: wish.guests,
        note: wish.note.trim().to_owned(),
        uses: wish.uses as i32,
        uses_left: wish.uses as i32,
        created_by: viewer.volunteer_id(),
        created_at: now,
        expires_at: now + i64::from(wish.days) * DAY_MS,
        revoked_at: None,
    };
    invitations::insert(conn, &invitation, &secrets::hash(secret))?;
    // Without the note, which may name people: the log is only ever added to.
    let detail = serde_json::json!({ "role": wish.role, "guests": wish.guests, "uses": wish.uses, "days": wish.days });
    let subject = invitation.id.to_string();
    note(conn, viewer.volunteer_id(), campaign.id, ("make_invitation", &subject, &detail.to_string()), now)?;
    Ok(invitation)
}

/// Ends an invitation at once. Who came in by it stays; [`members::remove`] takes a role away.
pub fn revoke(conn: &mut Conn, actor: Option<i64>, campaign: &Campaign, id: i64, now: i64) -> Result<(), Error> {
    if !invitations::revoke(conn, campaign.id, id, now)? {
        return Err(Error::NotFound(format!("there is no invitation `{id}` here, or it was revoked before")));
    }
    note(conn, actor, campaign.id, ("revoke_invitation", &id.to_string(), "{}"), now)
}

/// Whether an invitation lets anybody in now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// All its uses are taken.
    UsedUp,
    /// Its time is over.
    Expired,
    /// A coordinator ended it.
    Revoked,
}

/// How an invitation stands at a time.
pub fn standing(invitation: &Invitation, now: i64) -> Standing {
    match invitation {
        Invitation { revoked_at: Some(_), .. } => Standing::Revoked,
        one if one.expires_at <= now => Standing::Expired,
        one if one.uses_left <= 0 => Standing::UsedUp,
        _ => Standing::Good,
    }
}

/// What whoever holds a secret may know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether people without an account may use it.
    pub guests: bool,
    /// Slug and title of the campaign, and the role: for those alone who could accept it now.
    pub campaign: Option<(String, String, Role)>,
}

/// Looks at an invitation. What it leads to is told to those who are signed in in a way that it accepts, and to nobody
/// else.
pub fn look(conn: &mut Conn, viewer: &Viewer, secret: &str, rule: SecondFactorRule, now: i64) -> Result<Look, Error> {
    let invitation = good(conn, secret, rule, now)?;
    let may_know = viewer.person().is_some_and(|person| invitation.guests || !person.is_guest());
    let campaign = match may_know {
        true => {
            let (slug, title) = invitations::campaign_of(conn, invitation.campaign_id)?;
            Some((slug, title, invitation.role))
        }
        false => None,
    };
    Ok(Look { guests: invitation.guests, campaign })
}

/// Accepts an invitation: whoever asks has its role from now on. Returns the campaign's slug and their highest role there.
///
/// Somebody who has that role or a higher one uses nothing up. Of two who come for the last use, one gets it.
pub fn accept(
    conn: &mut Conn,
    viewer: &Viewer,
    secret: &str,
    rule: SecondFactorRule,
    now: i64,
) -> Result<(String, Role), Error> {
    let person = viewer.person().ok_or_else(|| Error::Unauthorized("sign in first".into()))?;
    // Whoever takes a role from its maker holds the campaign: they are before us, and it is revoked, or behind us.
    let campaign_id = good(conn, secret, rule, now)?.campaign_id;
    campaigns::hold(conn, campaign_id)?;
    let invitation = good(conn, secret, rule, now)?;
    if person.is_guest() && !invitation.guests {
        return Err(Error::Forbidden("this invitation is for people with an account: make one, or sign in".into()));
    }
    let campaign = campaigns::by_id(conn, invitation.campaign_id)?.ok_or_else(unknown)?;
    if campaign.state == CampaignState::Archived {
        return Err(Error::Conflict("this campaign is over: nobody is let in any more".into()));
    }
    let me = person.volunteer.id;
    // Asked anew: the same person may have come by it a moment ago, with another request. First the use, then the role that
    // was stored with it: whoever finds the one finds the other.
    let was_used = invitations::was_used_by(conn, invitation.id, me)?;
    let held = stored_members::role_of(conn, campaign.id, me)?;
    if let Some(held) = held.filter(|held| *held >= invitation.role) {
        return Ok((campaign.slug, held));
    }
    if was_used {
        let reason = "you came in by this invitation before, and your role was taken away since: ask for a new one";
        return Err(Error::Conflict(reason.into()));
    }
    if !invitations::take_use(conn, invitation.id, now)? {
        good(conn, secret, rule, now)?;
        return Err(Error::Conflict("this invitation was used up a moment ago: ask for a new one".into()));
    }
    invitations::add_use(conn, invitation.id, me, now)?;
    roles::grant(conn, me, campaign.id, invitation.role, invitation.created_by, now)?;
    let detail = serde_json::json!({ "role": invitation.role });
    let subject = invitation.id.to_string();
    note(conn, Some(me), campaign.id, ("accept_invitation", &subject, &detail.to_string()), now)?;
    Ok((campaign.slug, invitation.role))
}

/// The invitation of a secret, if it is good. A secret that was never made reads like nothing at all; who holds a true
/// one may know why it no longer works.
fn good(conn: &mut Conn, secret: &str, rule: SecondFactorRule, now: i64) -> Result<Invitation, Error> {
    let invitation = invitations::by_hash(conn, &secrets::hash(secret))?.ok_or_else(unknown)?;
    let over = match standing(&invitation, now) {
        Standing::Good if still_given(conn, &invitation, rule)? => return Ok(invitation),
        Standing::Good => "whoever made this invitation may not give its role any more",
        Standing::UsedUp => "all uses of this invitation are taken",
        Standing::Expired => "the time of this invitation is over",
        Standing::Revoked => "this invitation was revoked",
    };
    Err(Error::Conflict(format!("{over}: ask whoever sent it for a new one")))
}

/// Whether the maker of an invitation may give its role now; the operator may always. Where a second factor is required, a
/// coordinator without one may not, here as anywhere.
fn still_given(conn: &mut Conn, invitation: &Invitation, rule: SecondFactorRule) -> Result<bool, Error> {
    let Some(maker) = invitation.created_by else { return Ok(true) };
    let own = stored_members::highest_role(conn, invitation.campaign_id, maker)?;
    let is_bare = rule == SecondFactorRule::Required && second_factors::confirmed_at(conn, maker)?.is_none();
    Ok(own.is_some_and(|own| own >= invitation.role && !(is_bare && own == Role::Coordinator)))
}

fn unknown() -> Error {
    Error::NotFound("there is no such invitation: check that the whole link was copied".into())
}

fn note(
    conn: &mut Conn,
    actor: Option<i64>,
    campaign: i64,
    (act, subject, detail): (&str, &str, &str),
    now: i64,
) -> Result<(), Error> {
    Ok(audit_log::note_in_full(conn, actor, Some(campaign), &Act { act, subject, reason: "", detail }, now)?)
}
