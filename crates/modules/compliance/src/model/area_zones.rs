use chrono_tz::Tz;
use nmc_kernel::E164;

/// The time zones of the area codes of +1. A code that lies in several zones stands in each of them. Facts of the
/// numbering plan (<https://www.nanpa.com/reports/area-codes>), compared with libphonenumber's map of November 2026.
const ZONES: &[(Tz, &str)] = &[
    (
        Tz::America__New_York,
        "201 202 203 207 212 215 216 219 220 223 227 229 231 234 239 240 248 252 260 267 269 270 272 276 283 \
         301 302 304 305 313 315 317 321 324 326 329 330 332 336 339 347 351 352 363 364 380 386 401 404 407 \
         410 412 413 419 423 434 440 443 445 448 463 470 472 475 478 484 502 508 513 516 517 518 540 551 561 \
         567 570 571 574 582 585 586 603 606 607 609 610 614 616 617 631 640 645 646 656 667 678 679 680 681 686 \
         703 704 706 716 717 718 724 727 728 732 734 740 743 754 757 762 765 770 771 772 774 781 786 802 803 \
         804 810 812 813 814 821 826 828 835 838 839 843 845 848 850 854 856 857 859 860 862 863 864 865 878 \
         904 906 908 910 912 914 917 919 929 930 934 937 941 943 947 948 954 959 973 978 980 984 989",
    ),
    (
        Tz::America__Chicago,
        "205 210 214 217 218 219 224 225 228 235 251 254 256 262 270 274 281 308 309 312 314 316 318 319 320 \
         325 327 331 334 337 346 353 361 402 405 409 414 417 423 430 432 447 457 464 469 471 479 501 504 507 512 515 \
         531 534 539 557 563 572 573 574 580 601 605 606 608 612 615 618 620 629 630 636 641 651 659 660 662 \
         682 689 701 708 712 713 715 726 730 731 737 763 769 773 779 785 806 812 815 816 817 830 832 847 850 \
         870 872 901 903 906 913 918 920 924 931 936 938 940 945 952 956 972 975 979 985",
    ),
    (
        Tz::America__Los_Angeles,
        "206 208 209 213 253 279 310 323 341 350 360 369 408 415 424 425 442 458 503 509 510 530 541 559 562 \
         564 619 626 628 650 657 661 669 702 707 714 725 738 747 760 775 805 818 820 831 840 858 909 916 925 \
         949 951 971 986",
    ),
    (
        Tz::America__Toronto,
        "226 249 263 273 289 343 354 365 367 382 416 418 437 438 450 468 514 519 548 579 581 613 647 683 705 \
         742 753 807 819 867 873 905 942",
    ),
    (
        Tz::America__Denver,
        "208 303 307 308 385 406 435 505 541 575 605 620 701 719 720 748 775 785 801 915 928 970 983",
    ),
    (Tz::America__Edmonton, "250 368 403 587 780 825 867"),
    (Tz::America__Vancouver, "236 250 257 604 672 778 867"),
    (Tz::America__Halifax, "418 428 506 709 782 902"),
    (Tz::America__Winnipeg, "204 431 474 584 807 867"),
    (Tz::America__Phoenix, "480 520 602 623 928"),
    (Tz::America__Boise, "208 775 986"),
    (Tz::America__Santo_Domingo, "809 829 849"),
    (Tz::America__Jamaica, "658 876"),
    (Tz::America__Puerto_Rico, "787 939"),
    (Tz::America__Regina, "306 639"),
    (Tz::America__St_Johns, "709 879"),
    (Tz::Pacific__Honolulu, "808 907"),
    (Tz::America__Adak, "907"),
    (Tz::America__Anchorage, "907"),
    (Tz::America__Anguilla, "264"),
    (Tz::America__Antigua, "268"),
    (Tz::America__Barbados, "246"),
    (Tz::America__Cayman, "345"),
    (Tz::America__Dominica, "767"),
    (Tz::America__Fort_Nelson, "867"),
    (Tz::America__Grand_Turk, "649"),
    (Tz::America__Grenada, "473"),
    (Tz::America__Juneau, "907"),
    (Tz::America__Lower_Princes, "721"),
    (Tz::America__Montserrat, "664"),
    (Tz::America__Nassau, "242"),
    (Tz::America__Port_of_Spain, "868"),
    (Tz::America__St_Kitts, "869"),
    (Tz::America__St_Lucia, "758"),
    (Tz::America__St_Thomas, "340"),
    (Tz::America__St_Vincent, "784"),
    (Tz::America__Tortola, "284"),
    (Tz::Atlantic__Bermuda, "441"),
    (Tz::Pacific__Guam, "671"),
    (Tz::Pacific__Pago_Pago, "684"),
    (Tz::Pacific__Saipan, "670"),
];

/// Where the owner of a number may be: every zone its area code lies in. Where that is not known (another country, a
/// new area code) it is `fallback`, the business's own zone, because most callers live near it.
pub(crate) fn zones(phone: &E164, fallback: Tz) -> Vec<Tz> {
    let area = phone.as_str().strip_prefix("+1").and_then(|digits| digits.get(..3));
    let found: Vec<Tz> = match area {
        None => Vec::new(),
        Some(area) => {
            ZONES.iter().filter(|(_, areas)| areas.split(' ').any(|code| code == area)).map(|(zone, _)| *zone).collect()
        }
    };
    if found.is_empty() { vec![fallback] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phone: &str) -> Vec<Tz> {
        zones(&E164::parse(phone).unwrap(), Tz::Europe__Lisbon)
    }

    #[test]
    fn area_codes_tell_the_zone() {
        assert_eq!(of("+12125550123"), [Tz::America__New_York]);
        assert_eq!(of("+14155550123"), [Tz::America__Los_Angeles]);
        assert_eq!(of("+13125550123"), [Tz::America__Chicago]);
        assert_eq!(of("+16025550123"), [Tz::America__Phoenix]);
        assert_eq!(of("+18085550123"), [Tz::Pacific__Honolulu]);
        assert_eq!(of("+14165550123"), [Tz::America__Toronto]);
        assert_eq!(of("+17875550123"), [Tz::America__Puerto_Rico]);
    }

    #[test]
    fn an_area_code_in_two_zones_has_both() {
        let both = of("+18505550123");
        assert!(both.len() == 2 && both.contains(&Tz::America__Chicago) && both.contains(&Tz::America__New_York));
    }

    #[test]
    fn what_is_not_known_is_where_the_business_is() {
        assert_eq!(of("+447400123456"), [Tz::Europe__Lisbon]);
        assert_eq!(of("+19005550123"), [Tz::Europe__Lisbon]);
    }

    #[test]
    fn the_table_is_well_formed() {
        for (zone, areas) in ZONES {
            let codes: Vec<&str> = areas.split(' ').collect();
            assert!(codes.is_sorted() && codes.windows(2).all(|pair| pair[0] != pair[1]), "{zone}");
            for code in codes {
                let is_code = code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit());
                assert!(is_code && code >= "201", "{zone}: {code}");
            }
        }
        let all: std::collections::HashSet<&str> = ZONES.iter().flat_map(|(_, areas)| areas.split(' ')).collect();
        assert!(all.len() > 400, "{}", all.len());
    }
}
