//! Distances on the earth.

/// The mean radius of the earth in kilometres (IUGG).
const RADIUS: f64 = 6_371.008_8;

/// Kilometres along the great circle between two places, given in degrees north and east (haversine, on a sphere). Nothing for
/// degrees that are none. At most 0.5 % off the ellipsoid.
pub fn distance(north: f64, east: f64, other_north: f64, other_east: f64) -> Option<f64> {
    let places = [(north, east), (other_north, other_east)];
    if places.iter().any(|(north, east)| !(-90.0..=90.0).contains(north) || !(-180.0..=180.0).contains(east))
    {
        return None;
    }
    let radians = |degrees: f64| degrees * (std::f64::consts::PI / 180.0);
    let half_sine = |degrees: f64| {
        let sine = libm::sin(radians(degrees) / 2.0);
        sine * sine
    };
    let level = libm::cos(radians(north)) * libm::cos(radians(other_north));
    let chord = half_sine(other_north - north) + level * half_sine(other_east - east);
    Some(2.0 * RADIUS * libm::asin(libm::sqrt(chord.clamp(0.0, 1.0))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn cities_are_as_far_as_maps_say() {
        let (berlin, madrid) = ((52.52, 13.405), (40.4168, -3.7038));
        let km = distance(berlin.0, berlin.1, madrid.0, madrid.1).unwrap();
        assert!((1_865.0..1_875.0).contains(&km), "{km}");
        assert_eq!(distance(52.52, 13.405, 52.52, 13.405), Some(0.0));
        let half = distance(0.0, 0.0, 0.0, 180.0).unwrap();
        assert!((20_015.0..20_016.0).contains(&half), "{half}");
        let across = distance(0.0, 179.5, 0.0, -179.5).unwrap();
        assert!((111.0..112.0).contains(&across), "{across}");
        assert_eq!(distance(91.0, 0.0, 0.0, 0.0), None);
        assert_eq!(distance(0.0, f64::NAN, 0.0, 0.0), None);
    }
}
