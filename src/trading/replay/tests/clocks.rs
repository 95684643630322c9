//! Server times in UTC, summer time and its two odd nights included.

use super::super::ServerClock;

fn utc(zone: &str, times: &[&str]) -> Vec<String> {
    let mut clock: ServerClock = zone.parse().unwrap();
    let mut last = i64::MIN;
    times
        .iter()
        .map(|time| {
            let server = format!("{time}:00Z").parse::<jiff::Timestamp>().unwrap();
            last = clock.to_utc(server.as_second(), last).unwrap();
            jiff::Timestamp::from_second(last).unwrap().to_string()[..16].to_owned()
        })
        .collect()
}

#[test]
fn a_servers_times_become_utc() {
    assert_eq!(utc("UTC", &["2024-01-02T10:00"]), ["2024-01-02T10:00"]);
    assert_eq!(utc("+02:00", &["2024-07-02T10:00"]), ["2024-07-02T08:00"]);
    assert_eq!(utc("-3", &["2024-07-02T10:00"]), ["2024-07-02T13:00"]);
    assert_eq!(
        utc(
            "NY+7",
            &[
                "2024-01-02T00:00",
                "2024-03-11T00:00",
                "2024-07-02T00:00",
                "2024-11-04T00:00"
            ]
        ),
        [
            "2024-01-01T22:00",
            "2024-03-10T21:00",
            "2024-07-01T21:00",
            "2024-11-03T22:00"
        ],
        "the server's midnight is always 17:00 in New York"
    );
}

#[test]
fn an_hour_that_comes_twice_is_first_the_earlier_one() {
    assert_eq!(
        utc(
            "Europe/Athens",
            &[
                "2024-10-27T02:30",
                "2024-10-27T03:00",
                "2024-10-27T03:30",
                "2024-10-27T03:00",
                "2024-10-27T03:30",
                "2024-10-27T04:00"
            ]
        ),
        [
            "2024-10-26T23:30",
            "2024-10-27T00:00",
            "2024-10-27T00:30",
            "2024-10-27T01:00",
            "2024-10-27T01:30",
            "2024-10-27T02:00"
        ]
    );
}

#[test]
fn what_is_no_zone_is_said() {
    for text in ["", "NY", "+25", "Mars/Olympus", "+2:99", "NY+x"] {
        let wrong = text.parse::<ServerClock>().unwrap_err();
        assert!(wrong.contains("NY+7"), "{text}: {wrong}");
    }
}

#[test]
fn a_moment_told_in_utc_has_the_servers_offset() {
    let mut clock: ServerClock = "Europe/Athens".parse().unwrap();
    for (utc, hours) in [
        ("2024-01-02T10:00:00Z", 2),
        ("2024-03-31T00:59:00Z", 2),
        ("2024-03-31T01:00:00Z", 3),
        ("2024-10-27T00:59:00Z", 3),
        ("2024-10-27T01:00:00Z", 2),
    ] {
        let moment: jiff::Timestamp = utc.parse().unwrap();
        clock.at_utc(moment.as_second()).unwrap();
        assert_eq!(clock.offset_s(), hours * 3_600, "{utc}");
    }
}
