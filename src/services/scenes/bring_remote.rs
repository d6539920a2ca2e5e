//! Tiles of another server as a scene: only from hosts that the operator allows, always with a credit line.

use crate::domain::area::Area;
use crate::domain::bbox::Bbox;
use crate::domain::campaign::Campaign;
use crate::domain::cell::MAX_ZOOM;
use crate::domain::remote_tiles::{AllowedHost, AllowedHosts, TileAddress};
use crate::imagery::tileset::RemoteTiles;
use crate::services::Error;
use crate::storage::{Store, scenes};

/// Tiles that somebody wants to have fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteScene {
    address: TileAddress,
    host: AllowedHost,
    area: Option<Bbox>,
    zoom: Option<u8>,
}

impl RemoteScene {
    /// What is asked for, if the operator allows that host. `area` is west, south, east, north in degrees, the campaign's
    /// own without one; `zoom` is the deepest to fetch, as deep as the first scene without one.
    ///
    /// # Errors
    /// Names the field that cannot be: `template`, `area`, `zoom`.
    pub fn allowed(
        hosts: &AllowedHosts,
        template: &str,
        area: Option<[f64; 4]>,
        zoom: Option<u8>,
    ) -> Result<RemoteScene, Error> {
        let address = TileAddress::parse(template)?;
        let host = hosts.find(&address)?.clone();
        if zoom.is_some_and(|zoom| zoom > MAX_ZOOM) {
            return Err(Error::invalid("zoom", format!("a zoom is 0 to {MAX_ZOOM}")));
        }
        Ok(RemoteScene { address, host, area: area.map(box_of).transpose()?, zoom })
    }

    /// The address without parameters: what the scene's source is called.
    pub fn called(&self) -> &str {
        self.address.shown()
    }

    /// Name on screen where nobody gave one.
    pub fn title(&self) -> &str {
        self.address.host()
    }

    /// The credit line: the operator's for that host, then the coordinator's.
    ///
    /// # Errors
    /// Where there is neither.
    pub fn credit(&self, own: Option<&str>) -> Result<String, Error> {
        let own = own.map(str::trim).filter(|own| !own.is_empty());
        match (self.host.attribution.as_deref(), own) {
            (Some(theirs), Some(own)) if !own.contains(theirs) => Ok(format!("{theirs}; {own}")),
            (_, Some(own)) => Ok(own.to_owned()),
            (Some(theirs), None) => Ok(theirs.to_owned()),
            (None, None) => Err(Error::invalid("attribution", "say whose pictures these are: they are shown with it")),
        }
    }

    /// The tiles to fetch for a campaign.
    pub(super) async fn tiles(&self, store: &Store, campaign: &Campaign) -> Result<RemoteTiles, Error> {
        let id = campaign.id;
        let there = store.read(move |conn| Ok::<_, Error>(scenes::of_campaign(conn, id)?)).await?;
        let first = there.into_iter().min_by_key(|scene| scene.id);
        let drawn = || campaign.area.as_deref().and_then(Area::read).and_then(|area| area.bbox());
        let area = self.area.or_else(drawn).or_else(|| first.as_ref().map(|scene| scene.bounds));
        let area = area.ok_or_else(|| {
            Error::invalid(
                "area",
                "say which area to fetch: west,south,east,north in degrees; the campaign has none yet",
            )
        })?;
        let zoom = self.zoom.or_else(|| first.map(|scene| scene.max_zoom));
        let zoom = zoom.ok_or_else(|| Error::invalid("zoom", "say down to which zoom to fetch, for example 17"))?;
        Ok(RemoteTiles { address: self.address.clone(), host: self.host.clone(), area, zoom })
    }
}

fn box_of([west, south, east, north]: [f64; 4]) -> Result<Bbox, Error> {
    let finite = [west, south, east, north].iter().all(|number| number.is_finite());
    let ordered = west < east && south < north && east - west <= 360.0;
    match finite && ordered && west >= -180.0 && east <= 540.0 && south >= -85.06 && north <= 85.06 {
        true => Ok(Bbox { west, south, east, north }),
        false => Err(Error::invalid("area", "west,south,east,north in degrees, within 85 degrees of the equator")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://a.example/{z}/{x}/{y}.png";

    fn hosts(attribution: Option<&str>) -> AllowedHosts {
        let host = AllowedHost { attribution: attribution.map(str::to_owned), ..AllowedHost::new("a.example") };
        AllowedHosts::new(vec![host]).unwrap()
    }

    #[test]
    fn a_picture_is_never_without_its_credit_line() {
        let credit = |theirs, own| {
            RemoteScene::allowed(&hosts(theirs), ADDRESS, None, None).unwrap().credit(own).map_err(|e| e.to_string())
        };
        assert_eq!(credit(Some("© A"), None).unwrap(), "© A");
        assert_eq!(credit(Some("© A"), Some("by B")).unwrap(), "© A; by B");
        assert_eq!(credit(Some("© A"), Some("© A, B")).unwrap(), "© A, B");
        assert_eq!(credit(None, Some("by B")).unwrap(), "by B");
        assert!(credit(None, Some(" ")).unwrap_err().contains("attribution"));
    }

    #[test]
    fn areas_and_zooms_that_cannot_be_are_refused() {
        let ask = |area, zoom| RemoteScene::allowed(&hosts(None), ADDRESS, area, zoom);
        assert!(ask(Some([30.0, 50.0, 31.0, 51.0]), Some(17)).is_ok());
        assert!(ask(None, Some(29)).is_err());
        for bad in [[31.0, 50.0, 30.0, 51.0], [0.0, 0.0, 1.0, 89.0], [f64::NAN, 0.0, 1.0, 1.0], [0.0, 0.0, 600.0, 1.0]]
        {
            assert!(ask(Some(bad), None).is_err(), "{bad:?}");
        }
        assert!(RemoteScene::allowed(&AllowedHosts::default(), ADDRESS, None, None).is_err());
    }
}
