//! The campaign of a storm, and a witness inside its database that looks on at every lease as it is granted.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::tile::Tile;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::{Error, clock};
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::schema::policies;
use aftermap::storage::{Conn, DatabaseUrl, Store, new_id, scenes};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rand::RngExt;

use crate::plan::Plan;
use crate::support::made_up::{scene, square};

/// Its name in addresses.
pub const SLUG: &str = "storm";

/// What stands in the rows themselves at the moment when a lease is granted, in the same transaction: the open leases
/// and the counted labels of the tile are counted, not taken from the queue's own counters.
const WITNESS: &str = "CREATE TABLE storm_grants (lease BIGINT NOT NULL, held BIGINT NOT NULL, counted BIGINT NOT NULL,
    needed BIGINT NOT NULL, state TEXT NOT NULL);";
const LOOK: &str = "INSERT INTO storm_grants
    SELECT NEW.id, (SELECT count(*) FROM leases WHERE tile = NEW.tile AND ended_at IS NULL),
        (SELECT count(*) FROM current_labels WHERE tile = NEW.tile AND counted), needed, state
    FROM queue WHERE tile = NEW.tile;";

/// Creates the database and an open campaign in it. Blocks for a moment.
pub async fn build(address: &str, plan: &Plan) {
    let url = DatabaseUrl::parse(address).expect("an address of a database");
    let store = tokio::task::spawn_blocking(move || Store::open(&url, 2)).await.expect("no panic");
    let store = store.expect("the database opens");
    let plan = plan.clone();
    let made = store.write(move |conn| draw(conn, &plan)).await;
    made.expect("a campaign");
}

fn draw(conn: &mut Conn, plan: &Plan) -> Result<(), Error> {
    let now = clock::now_ms();
    let campaign = create_campaign(conn, &draft(), None, now)?;
    let policy = plan.policy();
    let dated = [scene("before", now - 90 * 86_400_000), scene("after", now - 86_400_000)];
    for scene in &dated {
        scenes::insert(conn, campaign.id, scene, now)?;
    }
    let mut keys = plan.dice("ring", 0);
    for place in 0..plan.tiles {
        let tile =
            Tile { id: new_id(), tile_id: format!("b{place}"), cell: None, bbox: square(place), footprint: None };
        let frames = dated.iter().map(|scene| (scene.id, 1.0)).collect();
        tiles::insert(conn, campaign.id, &NewTile { tile, frames, shuffle_key: keys.random() }, &policy)?;
    }
    change_state(conn, SLUG, CampaignState::Open, None, now)?;
    // After the check list, which would refuse leases of two seconds.
    let settings = serde_json::to_string(&policy).expect("a policy is JSON");
    diesel::update(policies::table.find(campaign.id)).set(policies::settings.eq(settings)).execute(conn)?;
    Ok(watch(conn)?)
}

fn watch(conn: &mut Conn) -> QueryResult<()> {
    // On PostgreSQL the table stands in a schema of its own: a copy takes all tables of ours, and only those.
    let (table, trigger) = match conn {
        Conn::Sqlite(_) => {
            (WITNESS.to_owned(), format!("CREATE TRIGGER storm_grant AFTER INSERT ON leases BEGIN {LOOK} END;"))
        }
        Conn::Postgres(_) => (
            format!(
                "CREATE SCHEMA storm; {} CREATE VIEW storm_grants AS SELECT * FROM storm.storm_grants;",
                WITNESS.replace("TABLE storm", "TABLE storm.storm")
            ),
            format!(
                "CREATE FUNCTION storm_look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {LOOK} RETURN NULL; END $$;
             CREATE TRIGGER storm_grant AFTER INSERT ON leases FOR EACH ROW EXECUTE FUNCTION storm_look();"
            ),
        ),
    };
    conn.batch_execute(&table)?;
    conn.batch_execute(&trigger)
}

fn draft() -> NewCampaign {
    NewCampaign { synthetic: true, ..NewCampaign::new(SLUG, "A storm") }
}
