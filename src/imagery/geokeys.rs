//! A coordinate system that a GeoTIFF spells out by itself (no code of a register) as a PROJ string.
//!
//! Keys and their numbers: OGC 19-008r4 (GeoTIFF 1.1), annexes B to D; the parameters of each projection: PROJ's pages.

use geotiff_reader::geokeys::GeoKeyDirectory;

/// "Defined by the user" in any key that usually holds a code.
const USER_DEFINED: u16 = 32767;
/// Larger and smaller radii than the earth's, metres: another planet.
const EARTH_RADII: std::ops::Range<f64> = 6.3e6..6.45e6;

/// Keys of one file, with numbers read whatever type they have.
struct Keys<'a>(&'a GeoKeyDirectory);

impl Keys<'_> {
    /// A code that stands for something in a register.
    fn code(&self, key: u16) -> Option<u16> {
        self.0.get_short(key).filter(|code| !matches!(*code, 0 | USER_DEFINED))
    }

    fn number(&self, key: u16) -> Option<f64> {
        let found = self.0.get_double(key).and_then(|list| list.first().copied());
        found.or_else(|| self.0.get_short(key).map(f64::from)).filter(|v| v.is_finite())
    }

    /// The first of these keys that is there, else 0.
    fn any(&self, keys: &[u16]) -> f64 {
        keys.iter().find_map(|key| self.number(*key)).unwrap_or(0.0)
    }
}

/// The system as a PROJ string, or why it cannot be one.
pub fn proj_string(keys: &GeoKeyDirectory) -> Result<String, String> {
    let keys = Keys(keys);
    let system = match keys.0.get_short(1024) {
        Some(2) => degrees(&keys)?,
        Some(3) => return Err("its coordinates are geocentric, not on a map".into()),
        _ => projection(&keys)?,
    };
    Ok(format!("{system} {} +no_defs", earth(&keys)?))
}

fn degrees(keys: &Keys<'_>) -> Result<String, String> {
    match keys.code(2054) {
        None | Some(9102) => Ok("+proj=longlat".into()),
        Some(unit) => Err(format!("its angles are not in degrees (unit {unit})")),
    }
}

/// Ellipsoid, prime meridian and the way to WGS 84.
fn earth(keys: &Keys<'_>) -> Result<String, String> {
    // EPSG numbered the systems of degrees 2000 below their datums: 4326 stands on 6326.
    let known = keys.code(2048).or_else(|| keys.code(2050).and_then(|datum| datum.checked_sub(2000)));
    if let Some(text) = known.and_then(crs_definitions::from_code).map(|found| found.proj4)
        && text.contains("+proj=longlat")
    {
        let kept = |word: &&str| !["+proj=longlat", "+no_defs", "+type=crs"].contains(word);
        return Ok(text.split_whitespace().filter(kept).collect::<Vec<_>>().join(" "));
    }
    let mut text = ellipsoid(keys)?;
    let meridian = keys.any(&[2061]);
    if meridian != 0.0 {
        text += &format!(" +pm={meridian}");
    }
    if let Some(shift) = keys.0.get_double(2062).filter(|list| matches!(list.len(), 3 | 7)) {
        let list: Vec<String> = shift.iter().map(f64::to_string).collect();
        text += &format!(" +towgs84={}", list.join(","));
    }
    Ok(text)
}

fn ellipsoid(keys: &Keys<'_>) -> Result<String, String> {
    let named = match keys.code(2056) {
        Some(7030) => "WGS84",
        Some(7019) => "GRS80",
        Some(7001) => "airy",
        Some(7004) => "bessel",
        Some(7008) => "clrk66",
        Some(7022) => "intl",
        Some(7024) => "krass",
        _ => "",
    };
    if !named.is_empty() {
        return Ok(format!("+ellps={named}"));
    }
    let Some(radius) = keys.number(2057) else { return Err("it does not say on which ellipsoid it stands".into()) };
    if !EARTH_RADII.contains(&radius) {
        return Err(format!("it shows another planet or moon (its radius is {:.0} km)", radius / 1000.0));
    }
    match (keys.number(2059), keys.number(2058)) {
        (Some(flattening), _) if flattening > 1.0 => Ok(format!("+a={radius} +rf={flattening}")),
        (_, Some(other)) if EARTH_RADII.contains(&other) => Ok(format!("+a={radius} +b={other}")),
        _ => Ok(format!("+R={radius}")),
    }
}

/// The projection with its parameters. False eastings are turned into metres, which PROJ wants.
fn projection(keys: &Keys<'_>) -> Result<String, String> {
    if let Some(code @ (16001..=16060 | 16101..=16160)) = keys.code(3074) {
        let south = if code > 16100 { " +south" } else { "" };
        return Ok(format!("+proj=utm +zone={}{south} {}", code % 100, unit(keys)?.0));
    }
    let method = keys.code(3075).ok_or("it does not name its projection")?;
    let (unit_word, metres) = unit(keys)?;
    let lon = keys.any(&[3080, 3084, 3088, 3095]);
    let lat = keys.any(&[3081, 3085, 3089]);
    let (first, second) = (keys.any(&[3078]), keys.any(&[3079]));
    let scale = [3092, 3093].iter().find_map(|key| keys.number(*key)).unwrap_or(1.0);
    let body = match method {
        1 => format!("+proj=tmerc +lat_0={lat} +lon_0={lon} +k={scale}"),
        7 if first != 0.0 => format!("+proj=merc +lat_ts={first} +lon_0={lon}"),
        7 => format!("+proj=merc +lon_0={lon} +k={scale}"),
        8 => format!("+proj=lcc +lat_1={first} +lat_2={second} +lat_0={lat} +lon_0={lon}"),
        9 => format!("+proj=lcc +lat_1={lat} +lat_0={lat} +lon_0={lon} +k_0={scale}"),
        10 => format!("+proj=laea +lat_0={lat} +lon_0={lon}"),
        11 => format!("+proj=aea +lat_1={first} +lat_2={second} +lat_0={lat} +lon_0={lon}"),
        12 => format!("+proj=aeqd +lat_0={lat} +lon_0={lon}"),
        13 => format!("+proj=eqdc +lat_1={first} +lat_2={second} +lat_0={lat} +lon_0={lon}"),
        14 => format!("+proj=stere +lat_0={lat} +lon_0={lon} +k={scale}"),
        15 => polar(lat, lon, scale),
        16 => format!("+proj=sterea +lat_0={lat} +lon_0={lon} +k={scale}"),
        17 => format!("+proj=eqc +lat_ts={first} +lat_0={lat} +lon_0={lon}"),
        18 => format!("+proj=cass +lat_0={lat} +lon_0={lon}"),
        24 => format!("+proj=sinu +lon_0={lon}"),
        28 => format!("+proj=cea +lat_ts={first} +lon_0={lon}"),
        other => return Err(format!("its projection (method {other} of GeoTIFF) is not one that can be computed")),
    };
    let (east, north) = (keys.any(&[3082, 3086, 3090]) * metres, keys.any(&[3083, 3087, 3091]) * metres);
    Ok(format!("{body} +x_0={east} +y_0={north} {unit_word}"))
}

/// Polar stereographic: GeoTIFF's latitude of origin is the latitude of true scale, unless it is the pole itself.
fn polar(lat: f64, lon: f64, scale: f64) -> String {
    let pole = if lat < 0.0 { -90 } else { 90 };
    match lat.abs() < 89.999 {
        true => format!("+proj=stere +lat_0={pole} +lat_ts={lat} +lon_0={lon}"),
        false => format!("+proj=stere +lat_0={pole} +lon_0={lon} +k={scale}"),
    }
}

/// The unit of the coordinates in PROJ's words, and its length in metres.
fn unit(keys: &Keys<'_>) -> Result<(String, f64), String> {
    match keys.code(3076) {
        None if keys.0.get_short(3076) == Some(USER_DEFINED) => match keys.number(3077) {
            Some(metres) if metres > 0.0 => Ok((format!("+to_meter={metres}"), metres)),
            _ => Err("it does not say how long its unit is".into()),
        },
        None | Some(9001) => Ok(("+units=m".into(), 1.0)),
        Some(9002) => Ok(("+units=ft".into(), 0.3048)),
        Some(9003) => Ok(("+units=us-ft".into(), 1200.0 / 3937.0)),
        Some(9036) => Ok(("+to_meter=1000".into(), 1000.0)),
        Some(other) => Err(format!("its unit of length (EPSG {other}) is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geotiff_reader::geokeys::GeoKeyValue;

    fn keys(shorts: &[(u16, u16)], doubles: &[(u16, f64)]) -> GeoKeyDirectory {
        let mut directory = GeoKeyDirectory::new();
        for (key, value) in shorts {
            directory.set(*key, GeoKeyValue::Short(*value));
        }
        for (key, value) in doubles {
            directory.set(*key, GeoKeyValue::Double(vec![*value]));
        }
        directory
    }

    #[test]
    fn a_projection_of_ones_own_becomes_a_proj_string() {
        let albers = [(1024, 1), (2048, 4326), (3072, 32767), (3075, 11), (3076, 9003)];
        let numbers = [(3078, 29.5), (3079, 45.5), (3080, -96.0), (3081, 23.0), (3082, 3937.0)];
        let text = proj_string(&keys(&albers, &numbers)).unwrap();
        assert!(text.starts_with("+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=1200"), "{text}");
        assert!(text.contains("+units=us-ft") && text.contains("+datum=WGS84"), "{text}");
        let utm = keys(&[(1024, 1), (2050, 6326), (3072, 32767), (3074, 16137)], &[]);
        assert!(proj_string(&utm).unwrap().starts_with("+proj=utm +zone=37 +south +units=m"));
    }

    #[test]
    fn an_ellipsoid_of_ones_own_is_kept_and_another_planet_refused() {
        let own = keys(&[(1024, 2), (2048, 32767)], &[(2057, 6_371_000.0), (2059, 0.0), (2061, 2.5)]);
        assert_eq!(proj_string(&own).unwrap(), "+proj=longlat +R=6371000 +pm=2.5 +no_defs");
        let mars = keys(&[(1024, 2), (2048, 32767)], &[(2057, 3_396_190.0)]);
        assert!(proj_string(&mars).unwrap_err().contains("another planet"));
        let space = keys(&[(1024, 3)], &[]);
        assert!(proj_string(&space).unwrap_err().contains("geocentric"));
    }

    #[test]
    fn what_is_not_known_is_named() {
        let odd = keys(&[(1024, 1), (2048, 4326), (3075, 27)], &[]);
        assert!(proj_string(&odd).unwrap_err().contains("method 27"));
        let cubits = keys(&[(1024, 1), (2048, 4326), (3075, 1), (3076, 9033)], &[]);
        assert!(proj_string(&cubits).unwrap_err().contains("9033"));
    }
}
