//! Campaigns with their scale, policy and texts.

pub mod drafts;
pub mod imports;
pub mod policy_versions;
pub mod priority_areas;
pub mod texts;

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Campaign, CampaignState, CampaignTexts, Surroundings};
use crate::domain::policy::Policy;
use crate::domain::scale::{Answer, BUILT_IN, Role, Scale};
use crate::storage::schema::{campaigns, models, policies, scale_answers, scales};
use crate::storage::{Conn, each_backend, new_id};

/// All by which campaigns differ in what becomes of a label, as it is stored: two that are equal need not be read again.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    row: Row,
    settings: String,
    policy_version: i32,
    model_fitted_at: Option<i64>,
}

impl Head {
    /// Whether the campaign may still change in parts that are not compared.
    pub fn is_draft(&self) -> bool {
        self.row.state == "draft"
    }
}

#[derive(Debug, Clone, PartialEq, Queryable)]
struct Row {
    id: i64,
    slug: String,
    state: String,
    visibility: String,
    release_level: String,
    kind: String,
    tile_source: String,
    labelling_zoom: Option<i16>,
    scale_id: i64,
    language: String,
    licence: Option<String>,
    synthetic: bool,
    area: Option<String>,
    margin: f64,
    least_m: f64,
    west: Option<f64>,
    south: Option<f64>,
    east: Option<f64>,
    north: Option<f64>,
    pseudonym_key: Vec<u8>,
    model: i32,
    created_at: i64,
    opened_at: Option<i64>,
    closed_at: Option<i64>,
}

/// The campaign of that name.
pub fn find(conn: &mut Conn, slug: &str) -> QueryResult<Option<Campaign>> {
    // PostgreSQL refuses to compare with it, and no slug holds it.
    if slug.contains('\0') {
        return Ok(None);
    }
    let row = campaigns::table.filter(campaigns::slug.eq(slug)).first::<Row>(conn).optional()?;
    row.map(|row| complete(conn, row)).transpose()
}

/// The campaign of that id.
pub fn by_id(conn: &mut Conn, id: i64) -> QueryResult<Option<Campaign>> {
    let row = campaigns::table.find(id).first::<Row>(conn).optional()?;
    row.map(|row| complete(conn, row)).transpose()
}

/// What to compare a campaign by that was read before, in one statement. Holds its state as [`hold_state`] does.
pub fn head(conn: &mut Conn, id: i64) -> QueryResult<Option<Head>> {
    hold(conn, id)?;
    let of_model = models::campaign_id.eq(campaigns::id).and(models::number.eq(campaigns::model));
    let query = campaigns::table
        .inner_join(policies::table.on(policies::campaign_id.eq(campaigns::id)))
        .left_join(models::table.on(of_model))
        .filter(campaigns::id.eq(id))
        .select((campaigns::all_columns, policies::settings, policies::version, models::fitted_at.nullable()));
    let head: Option<(Row, String, i32, Option<i64>)> = each_backend!(conn, inner => query.first(inner)).optional()?;
    let head = head.map(|(row, settings, policy_version, model_fitted_at)| Head {
        row,
        settings,
        policy_version,
        model_fitted_at,
    });
    Ok(head)
}

/// The campaign of a head, without its texts: nobody labels by them.
pub fn behind(conn: &mut Conn, head: &Head) -> QueryResult<Campaign> {
    build(conn, head.row.clone(), &head.settings, CampaignTexts::default())
}

/// All campaigns, newest first.
pub fn list(conn: &mut Conn) -> QueryResult<Vec<Campaign>> {
    let rows = campaigns::table.order((campaigns::created_at.desc(), campaigns::id.desc())).load::<Row>(conn)?;
    rows.into_iter().map(|row| complete(conn, row)).collect()
}

/// Stores a new campaign with its scale, policy and texts. Fails on a name that is taken.
pub fn insert(conn: &mut Conn, campaign: &Campaign) -> QueryResult<()> {
    let scale_id = insert_scale(conn, &campaign.scale)?;
    diesel::insert_into(campaigns::table)
        .values((
            campaigns::id.eq(campaign.id),
            campaigns::slug.eq(&campaign.slug),
            campaigns::state.eq(campaign.state.key()),
            campaigns::visibility.eq(campaign.visibility.key()),
            campaigns::release_level.eq(campaign.release_level.key()),
            campaigns::kind.eq(campaign.kind.key()),
            campaigns::tile_source.eq(campaign.tile_source.key()),
            campaigns::labelling_zoom.eq(campaign.labelling_zoom.map(i16::from)),
            campaigns::scale_id.eq(scale_id),
            campaigns::language.eq(&campaign.language),
            campaigns::licence.eq(&campaign.licence),
            campaigns::synthetic.eq(campaign.synthetic),
            campaigns::pseudonym_key.eq(&campaign.pseudonym_key),
            campaigns::area.eq(&campaign.area),
            campaigns::margin.eq(campaign.surroundings.margin),
            campaigns::least_m.eq(campaign.surroundings.least_m),
            campaigns::created_at.eq(campaign.created_at),
        ))
        .execute(conn)?;
    let settings = serde_json::to_string(&campaign.policy).map_err(|error| broken(error.to_string()))?;
    diesel::insert_into(policies::table)
        .values((policies::campaign_id.eq(campaign.id), policies::settings.eq(settings)))
        .execute(conn)?;
    texts::put(conn, campaign.id, &campaign.language, &campaign.texts)
}

/// Moves a campaign to another state; the first opening and each closing leave their time.
pub fn set_state(conn: &mut Conn, campaign: &Campaign, state: CampaignState, now: i64) -> QueryResult<()> {
    let opened_at = campaign.opened_at.or((state == CampaignState::Open).then_some(now));
    let closed_at = match state {
        CampaignState::Closed => Some(now),
        CampaignState::Archived => campaign.closed_at,
        _ => None,
    };
    diesel::update(campaigns::table.find(campaign.id))
        .set((campaigns::state.eq(state.key()), campaigns::opened_at.eq(opened_at), campaigns::closed_at.eq(closed_at)))
        .execute(conn)?;
    Ok(())
}

/// How tiles are made, and what follows from the scenes while a campaign is a draft: pair or timeline, cells or
/// footprints, the zoom, the area, the box.
pub fn set_tiling(conn: &mut Conn, campaign: &Campaign) -> QueryResult<()> {
    diesel::update(campaigns::table.find(campaign.id))
        .set((
            campaigns::kind.eq(campaign.kind.key()),
            campaigns::tile_source.eq(campaign.tile_source.key()),
            campaigns::labelling_zoom.eq(campaign.labelling_zoom.map(i16::from)),
            campaigns::area.eq(&campaign.area),
            campaigns::margin.eq(campaign.surroundings.margin),
            campaigns::least_m.eq(campaign.surroundings.least_m),
            campaigns::west.eq(campaign.bounds.map(|bounds| bounds.west)),
            campaigns::south.eq(campaign.bounds.map(|bounds| bounds.south)),
            campaigns::east.eq(campaign.bounds.map(|bounds| bounds.east)),
            campaigns::north.eq(campaign.bounds.map(|bounds| bounds.north)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces the settings that a coordinator chooses: own language, who may take part, who may have the map, licence.
pub fn set_settings(conn: &mut Conn, campaign: &Campaign) -> QueryResult<()> {
    diesel::update(campaigns::table.find(campaign.id))
        .set((
            campaigns::language.eq(&campaign.language),
            campaigns::visibility.eq(campaign.visibility.key()),
            campaigns::release_level.eq(campaign.release_level.key()),
            campaigns::licence.eq(&campaign.licence),
        ))
        .execute(conn)
        .map(drop)
}

/// Calls the answers of a campaign's scale as this one calls them; the answers themselves stay.
pub fn set_names(conn: &mut Conn, campaign_id: i64, scale: &Scale) -> QueryResult<()> {
    let id: i64 = campaigns::table.find(campaign_id).select(campaigns::scale_id).first(conn)?;
    for (place, answer) in scale.answers.iter().enumerate() {
        diesel::update(scale_answers::table.find((id, place as i16)))
            .set(scale_answers::names.eq(json(&answer.names)?))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives a draft another scale.
pub fn set_scale(conn: &mut Conn, campaign_id: i64, scale: &Scale) -> QueryResult<()> {
    let before: i64 = campaigns::table.find(campaign_id).select(campaigns::scale_id).first(conn)?;
    let after = insert_scale(conn, scale)?;
    diesel::update(campaigns::table.find(campaign_id)).set(campaigns::scale_id.eq(after)).execute(conn)?;
    diesel::delete(scale_answers::table.filter(scale_answers::scale_id.eq(before))).execute(conn)?;
    diesel::delete(scales::table.find(before)).execute(conn).map(drop)
}

/// Replaces the policy.
pub fn set_policy(conn: &mut Conn, campaign_id: i64, policy: &Policy) -> QueryResult<()> {
    let settings = serde_json::to_string(policy).map_err(|error| broken(error.to_string()))?;
    diesel::update(policies::table.find(campaign_id)).set(policies::settings.eq(settings)).execute(conn).map(drop)
}

/// The number of the policy in force: it grows whenever tiles are decided in another way.
pub fn policy_version(conn: &mut Conn, campaign_id: i64) -> QueryResult<u32> {
    policies::table.find(campaign_id).select(policies::version).first::<i32>(conn).map(i32::unsigned_abs)
}

/// Sets the number of the policy in force.
pub fn set_policy_version(conn: &mut Conn, campaign_id: i64, version: u32) -> QueryResult<()> {
    diesel::update(policies::table.find(campaign_id)).set(policies::version.eq(version as i32)).execute(conn).map(drop)
}

/// Puts a fitted model in use; what is recomputed from now on follows it.
pub fn set_model(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<()> {
    diesel::update(campaigns::table.find(campaign_id)).set(campaigns::model.eq(model as i32)).execute(conn)?;
    Ok(())
}

/// Waits for, and then holds until the transaction ends, the right to change this campaign's state and tiles.
pub fn lock(conn: &mut Conn, campaign_id: i64) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => {
            campaigns::table.find(campaign_id).select(campaigns::id).for_update().first::<i64>(conn).map(|_| ())
        }
        // SQLite's one writer holds the whole database already.
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Reads a campaign's state and holds it until the transaction ends: whoever changes the state waits for us, and we for
/// them. Many hold it at the same time. It is the lock that a foreign key takes, so a submit pays nothing more for it.
pub fn hold_state(conn: &mut Conn, campaign_id: i64) -> QueryResult<CampaignState> {
    let state = campaigns::table.find(campaign_id).select(campaigns::state);
    let state: String = match conn {
        Conn::Postgres(conn) => state.for_key_share().first(conn)?,
        Conn::Sqlite(conn) => state.first(conn)?,
    };
    word(&state)
}

/// Holds a campaign's state as [`hold_state`] does, for who does not need to know it. Everybody locks campaigns before
/// tiles: whoever locks a tile first, and then needs the campaign, may wait for somebody who waits for that tile.
pub fn hold(conn: &mut Conn, campaign_id: i64) -> QueryResult<()> {
    match conn {
        Conn::Postgres(_) => hold_state(conn, campaign_id).map(drop),
        // SQLite's one writer holds the whole database already.
        Conn::Sqlite(_) => Ok(()),
    }
}

fn complete(conn: &mut Conn, row: Row) -> QueryResult<Campaign> {
    let settings = policies::table.find(row.id).select(policies::settings).first::<String>(conn)?;
    let texts = texts::of(conn, row.id, &row.language)?.unwrap_or_default();
    build(conn, row, &settings, texts)
}

fn build(conn: &mut Conn, row: Row, settings: &str, texts: CampaignTexts) -> QueryResult<Campaign> {
    Ok(Campaign {
        id: row.id,
        bounds: bounds(&row),
        state: word(&row.state)?,
        visibility: word(&row.visibility)?,
        release_level: word(&row.release_level)?,
        kind: word(&row.kind)?,
        tile_source: word(&row.tile_source)?,
        labelling_zoom: row.labelling_zoom.map(|zoom| zoom as u8),
        surroundings: Surroundings { margin: row.margin, least_m: row.least_m },
        area: row.area,
        scale: scale(conn, row.scale_id)?,
        policy: serde_json::from_str(settings).map_err(|error| broken(error.to_string()))?,
        texts,
        language: row.language,
        slug: row.slug,
        licence: row.licence,
        synthetic: row.synthetic,
        pseudonym_key: row.pseudonym_key,
        model: row.model.unsigned_abs(),
        created_at: row.created_at,
        opened_at: row.opened_at,
        closed_at: row.closed_at,
    })
}

fn bounds(row: &Row) -> Option<Bbox> {
    Some(Bbox { west: row.west?, south: row.south?, east: row.east?, north: row.north? })
}

fn insert_scale(conn: &mut Conn, scale: &Scale) -> QueryResult<i64> {
    let id = new_id();
    diesel::insert_into(scales::table)
        .values((
            scales::id.eq(id),
            scales::key.eq(&scale.key),
            scales::ordered.eq(scale.ordered),
            scales::heavy_from.eq(i16::from(scale.heavy_from)),
            scales::built_in.eq(BUILT_IN.contains(&scale.key.as_str())),
        ))
        .execute(conn)?;
    for (place, answer) in scale.answers.iter().enumerate() {
        let (role, low, high) = match answer.role {
            Role::Class => ("class", None, None),
            Role::Between { low, high } => ("between", Some(i16::from(low)), Some(i16::from(high))),
            Role::Side => ("side", None, None),
        };
        diesel::insert_into(scale_answers::table)
            .values((
                scale_answers::scale_id.eq(id),
                scale_answers::place.eq(place as i16),
                scale_answers::key.eq(&answer.key),
                scale_answers::role.eq(role),
                scale_answers::low.eq(low),
                scale_answers::high.eq(high),
                scale_answers::code.eq(answer.code),
                scale_answers::names.eq(json(&answer.names)?),
            ))
            .execute(conn)?;
    }
    Ok(id)
}

fn scale(conn: &mut Conn, id: i64) -> QueryResult<Scale> {
    let (key, ordered, heavy_from) = scales::table
        .find(id)
        .select((scales::key, scales::ordered, scales::heavy_from))
        .first::<(String, bool, i16)>(conn)?;
    let rows = scale_answers::table
        .filter(scale_answers::scale_id.eq(id))
        .order(scale_answers::place)
        .select((
            scale_answers::key,
            scale_answers::role,
            scale_answers::low,
            scale_answers::high,
            scale_answers::code,
            scale_answers::names,
        ))
        .load::<(String, String, Option<i16>, Option<i16>, i32, String)>(conn)?;
    let answers = rows
        .into_iter()
        .map(|(key, role, low, high, code, names)| {
            let role = match (role.as_str(), low, high) {
                ("between", Some(low), Some(high)) => Role::Between { low: low as u8, high: high as u8 },
                ("side", ..) => Role::Side,
                _ => Role::Class,
            };
            let names = serde_json::from_str(&names).map_err(|error| broken(error.to_string()))?;
            Ok(Answer { key, role, code, names })
        })
        .collect::<QueryResult<_>>()?;
    Ok(Scale { key, ordered, heavy_from: heavy_from as u8, answers })
}

fn json(names: &BTreeMap<String, String>) -> QueryResult<String> {
    serde_json::to_string(names).map_err(|error| broken(error.to_string()))
}

/// Reads a word that a CHECK constraint guards; a word unknown here means a newer schema.
pub(crate) fn word<T: std::str::FromStr<Err = String>>(text: &str) -> QueryResult<T> {
    text.parse().map_err(broken)
}

/// A stored value that this version cannot read.
pub(crate) fn broken(reason: String) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(reason.into())
}
