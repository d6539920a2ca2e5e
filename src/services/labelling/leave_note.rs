//! Takes in a remark on a tile without a label: "this is a school", "the picture is of another place".

use uuid::Uuid;

use crate::domain::campaign::Campaign;
use crate::domain::label::check_note;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::labelling::notes::{self, NewNote};
use crate::storage::labelling::{leases, participations};

/// More remarks on one tile than this nobody needs.
const MOST_ON_A_TILE: i64 = 20;

/// A remark on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The client's id: the same id is the same note.
    pub id: Uuid,
    /// The lease, open or ended, of the tile it is about.
    pub lease_id: i64,
    /// The words; may be left out where the tile is flagged.
    pub text: String,
    /// Whether the tile needs the coordinator's attention.
    pub flagged: bool,
}

/// Keeps a remark on a tile that was handed to this volunteer. Sent again it changes nothing.
pub fn leave_note(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: i64,
    remark: &Remark,
    now: i64,
) -> Result<(), Error> {
    let text = remark.text.trim();
    check_note(text).map_err(|reason| Error::invalid("text", reason))?;
    if text.is_empty() && !remark.flagged {
        return Err(Error::invalid("text", "a note needs words, or a flag"));
    }
    let mine = leases::find(conn, remark.lease_id)?
        .filter(|lease| lease.volunteer_id == volunteer && lease.campaign_id == campaign.id);
    if let Some(before) = notes::find(conn, remark.id)? {
        let same = before.volunteer_id == volunteer
            && mine.is_none_or(|lease| lease.tile == before.tile)
            && before.campaign_id == campaign.id
            && (before.text.as_str(), before.flagged) == (text, remark.flagged);
        let conflict = || Error::Conflict("this id was used before for another note: make a new id".into());
        return if same { Ok(()) } else { Err(conflict()) };
    }
    let lease = mine.ok_or_else(|| Error::NotFound("there is no such lease of yours in this campaign".into()))?;
    participations::take_turn(conn, campaign.id, volunteer, now)?;
    if notes::count_of(conn, lease.tile, volunteer)? >= MOST_ON_A_TILE {
        let reason = format!("you left {MOST_ON_A_TILE} notes on this tile already");
        return Err(Error::Conflict(reason));
    }
    let note = NewNote {
        id: remark.id,
        tile: lease.tile,
        campaign_id: campaign.id,
        volunteer_id: volunteer,
        label_id: None,
        flagged: remark.flagged,
        text,
    };
    Ok(notes::insert(conn, &note, now)?)
}
