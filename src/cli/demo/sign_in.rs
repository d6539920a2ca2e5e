//! The demo's coordinator: made at the first start; the password stays in the data folder, readable by its owner only.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::super::{Refused, user};
use super::{DEMO, DEMO_TIMELINE};
use crate::domain::volunteer::Role;
use crate::services::people::grant_role::{Grant, grant};
use crate::services::people::secrets;
use crate::services::{Error, clock};
use crate::storage::people::volunteers;
use crate::storage::{Conn, Store, campaigns};

/// Sign-in name of the demo's coordinator.
pub const NAME: &str = "coordinator";

/// Makes the coordinator unless there is one, and returns the password.
pub async fn coordinator(store: &Store, data: &Path) -> Result<String, Refused> {
    let file = data.join("demo-password");
    let known = store.read(|conn| Ok::<_, Error>(volunteers::accounts(conn)?));
    if known.await?.iter().any(|account| account.name.as_deref() == Some(NAME)) {
        coordinate_timeline(store).await?;
        return Ok(std::fs::read_to_string(&file).map_or_else(|_| "(changed)".into(), |text| text.trim().to_owned()));
    }
    let password = secrets::recovery_code();
    let write = |file: &Path| {
        let mut made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
        writeln!(made, "{password}")
    };
    write(&file).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let grant = Grant::InCampaign { campaign: DEMO.into(), role: Role::Coordinator };
    user::add(store, NAME.into(), &password, Some(grant)).await?;
    coordinate_timeline(store).await?;
    Ok(password)
}

/// Gives the coordinator the second demo too, where it is there.
async fn coordinate_timeline(store: &Store) -> Result<(), Refused> {
    let give = |conn: &mut Conn| {
        if campaigns::find(conn, DEMO_TIMELINE)?.is_none() {
            return Ok(());
        }
        let to = Grant::InCampaign { campaign: DEMO_TIMELINE.into(), role: Role::Coordinator };
        grant(conn, None, NAME, &to, clock::now_ms())
    };
    Ok(store.write(give).await?)
}
