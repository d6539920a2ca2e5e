//! Giving people roles, and taking accounts out of use. Every such act is written to the audit log.

use crate::domain::volunteer::{Role, check_name};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::audit_log;
use crate::storage::people::volunteers::{self, Account};
use crate::storage::people::{personal_tokens, roles, sessions};

/// What somebody is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Everything, on the whole server.
    Admin,
    /// To make campaigns, and to coordinate those.
    Creator,
    /// A role in one campaign.
    InCampaign {
        /// Slug of the campaign.
        campaign: String,
        /// The role.
        role: Role,
    },
}

/// Gives a role to the account of that name. It acts with that person's next request. Repeating it changes nothing.
pub fn grant(conn: &mut Conn, actor: Option<i64>, name: &str, grant: &Grant, now: i64) -> Result<(), Error> {
    let account = account(conn, name)?;
    let (campaign, word) = match grant {
        Grant::Admin => {
            volunteers::set_admin(conn, account.id)?;
            (None, "admin")
        }
        Grant::Creator => {
            volunteers::set_creator(conn, account.id)?;
            (None, "creator")
        }
        Grant::InCampaign { campaign, role } => {
            let id = roles::campaign_id(conn, campaign)?
                .ok_or_else(|| Error::NotFound(format!("there is no campaign `{campaign}`")))?;
            if !roles::grant(conn, account.id, id, *role, actor, now)? {
                return Ok(());
            }
            (Some(id), role.key())
        }
    };
    let subject = format!("{} {word}", account.id);
    Ok(audit_log::note(conn, actor, campaign, ("grant_role", &subject), now)?)
}

/// Takes an account out of use: nobody can sign in with it, and whoever is signed in with it no longer is.
pub fn disable(conn: &mut Conn, actor: Option<i64>, name: &str, now: i64) -> Result<(), Error> {
    let account = account(conn, name)?;
    if account.closed {
        return Ok(());
    }
    volunteers::disable(conn, account.id, now)?;
    sessions::revoke_all(conn, account.id, now)?;
    personal_tokens::revoke_all(conn, account.id, now)?;
    Ok(audit_log::note(conn, actor, None, ("disable_account", &account.id.to_string()), now)?)
}

fn account(conn: &mut Conn, name: &str) -> Result<Account, Error> {
    volunteers::by_name(conn, &check_name(name)?)?
        .ok_or_else(|| Error::NotFound(format!("there is no account `{name}`")))
}
