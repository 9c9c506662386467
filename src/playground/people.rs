//! The invented customers: nobody real, on servers that cannot exist (`.example`).

/// Somebody who may have something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// `name@host`.
    pub acct: &'static str,
    pub name: &'static str,
    pub dutch: bool,
}

const fn nl(acct: &'static str, name: &'static str) -> Person {
    Person { acct, name, dutch: true }
}

const fn en(acct: &'static str, name: &'static str) -> Person {
    Person { acct, name, dutch: false }
}

/// Everybody.
pub const PEOPLE: &[Person] = &[
    nl("noor_fietst@fietspad.example", "Noor 🚲"),
    nl("opa_wim@zorgplein.example", "Wim (78, maar nog scherp)"),
    nl("sanne.leest@boekenkast.example", "Sanne leest"),
    nl("bakker_bram@dorpsplein.example", "Bakkerij Bram"),
    nl("tante_truus@zorgplein.example", "Tante Truus"),
    nl("milan_gamet@pixelpret.example", "xX_Milan_Xx"),
    nl("juf_anouk@schoolplein.example", "Juf Anouk"),
    nl("henk_de_vierde@dorpsplein.example", "Henk IV"),
    nl("fatima_tuint@moestuin.example", "Fatima in de moestuin"),
    nl("lotte_vd_linde@fietspad.example", "Lotte"),
    nl("koos_klaagt@zorgplein.example", "Koos"),
    nl("roos_en_co@boekenkast.example", "Roos & Co."),
    nl("daan_thuiswerkt@pixelpret.example", "Daan (in vergadering)"),
    nl("yusuf_kookt@moestuin.example", "Yusuf kookt"),
    nl("mevrouw_pinksteren@zorgplein.example", "Mevr. Pinksteren"),
    nl("emmely_draait@pixelpret.example", "DJ Emmely"),
    en("gwen_teapot@teapot.example", "Gwen, slightly caffeinated"),
    en("old_bartholomew@harbour.example", "Bartholomew"),
    en("priya_codes@compile.example", "Priya"),
    en("the_other_dave@harbour.example", "The Other Dave"),
    en("moira_knits@teapot.example", "Moira knits"),
    en("captain_sunday@harbour.example", "Captain Sunday"),
    en("lena_remote@compile.example", "Lena (working from a boat)"),
    en("jonas_abroad@dorpsplein.example", "Jonas, new in town"),
    en("ruth_and_three_cats@teapot.example", "Ruth & three cats"),
    en("tobias_trombone@brassband.example", "Tobias 🎺"),
    en("nia_on_call@compile.example", "Nia (on call)"),
    en("grumpy_gardener@moestuin.example", "A Grumpy Gardener"),
];
