//! Written by `--generate`; not to be changed by hand.

#![allow(unused_parens, unused_variables, clippy::all)]

use super::Prepared;
use crate::event::Event;

/// The way to run a set.
type Run = fn(&[Event<'_>], &Prepared, &mut [u32]);

pub static KEYS: &[u64] = &[12724493325514093441, 10569980066661636476, 3268066108406987926, 18425437030103202826, 7623396632304144374, 18121615597949721054, 132837840624640520, 16039195451644254759, 2819060727580370066, 12763603140242712779, 1817883035779478266, 16261810805793755159, 6857471383171369353, 18275389675620259887, 1140179880668872748, 4225894583816457059, 13550571308535025634, 4099294408842168040, 5543532030239487257, 15655627361381336091, 7279778313917941512, 16747312792545903339, 623998695766121603, 14618438255514311878, 3033385692686242248, 16151334910025027902, 5214527452428937686, 3908251235704290782, 14751344489986669306, 17879221294630110380, 13204196812711518076, 16410173084902500897, 3260506820588524348, 8614940012916555750, 16602312258295886063, 5253230363652662892, 10849108519225085425, 16534957193581303808, 3148548502898360171, 18437098860988520680, 13271278440637857350, 1682536541047881316, 446066393260221240, 6282298014244226614, 12388195590129047641, 12023965192232424421, 2103646266015999930, 5754051222414386748, 3663790540950401384, 14785463951064238182, 1055732749359019290, 6468400987386710386, 5285996754872154889, 13784453481515315892, 17556999843892109724, 17631039304434105472, 15370585855023227142, 5435237294515344495, 8633469280563281022, 7620158293296792031, 10245938091082986339, 5204440212580197127, 18015731758040035877, 3861670973353396414, 4820256388477038912, 887700062856190511, 10589571465049148977, 7912022953792737067, 8858298143319483596, 8983443533990888373, 5379245664110667064, 15842933933551540248, 7384261809521327347, 16996612828708869219, 13694819350614319991, 6100244686548109068, 9770070366580920454, 3352246578522830009, 13732961949141421636, 9291369669603683040, 17135403768506123840, 7706197446019234601, 205213713591803123, 6496495900004090840, 9188186372481065290, 2983662852324258531, 1452386834181913129, 13555372483870391958, 8273596249798799160, 6868886053508662798, 9765282859970920631, 8745460417408240504, 9393681812000502237, 14159659139228687696, 14818387037646768995, 4074571303886325854, 16287120343308125213, 18139259533667038779, 15602516327183004267, 12517419994648634516];
pub static LISTS: &[&str] = &["abuse_90d", "datacenter", "partner_allow", "residential_proxy", "threat_a", "threat_b", "tor_exit", "vpn"];
pub static REGEXES: &[&str] = &["CPU iPhone OS 1[0-6]_[0-9]+", "(?i)headless", "(?i)(python|curl|wget|scrapy|aiohttp)", "^/images/[0-9]{3,5}\\.(jpg|webp)$", "(^|&)id=[0-9]+(&|$)", "(?i)(googlebot|bingbot|slackbot|facebookexternalhit)", "Chrome/1(0[0-9]|1[0-9])\\.", "/(login|auth|token|signup)$", "(^|&)page=[0-9]{3,}", "compatible; [A-Za-z]+[Bb]ot/[0-9.]+", "(?i)('|%27)\\s*or\\s", "^/product/[0-9]+(/reviews)?$", "^[A-Za-z-]+/[0-9]+\\.[0-9]+(\\.[0-9]+)?$", "\\.(php|cgi|asp|aspx|jsp)$", "(?i)union\\s+select", "(sqlmap|nuclei|masscan|zgrab|nikto|dirbuster)"];
pub static LITERALS: &[&str] = &["node-fetch", "Chrome/", "php://", ".git", "${jndi:", "Firefox/115", "../..", "cgi-bin", "UNION SELECT", "actuator", "masscan", "Chrome/124", "//evil", "drop", "<script", "admin", "Android 14", "python-requests", "Java/", "curl/", "HeadlessChrome", "MSIE 6"];
pub static SETS: &[&[&str]] = &[&["t13d1013h1_0a39d0e8bbb7_8e1ae856acb5", "t13d1017h2_7c1b32f2d17c_6da7d438ab1c", "t13d1417h1_5761cb172521_828e494d857d", "t13d1016h1_f2f82273eca7_f1a9e6d3040e", "t13d1011h1_f7bdf970106c_0f1cc4dd43e3", "t13d1213h1_7e43bdcda927_5f2a1dcd4df0", "t13d1512h2_69dcdc2f0f3a_fc9f9116295a", "t13d1614h2_10b6dd694cc5_ce07d3ff2b0b", "t13d1117h2_288897aa76b9_6ad88d6496ba", "t13d1014h1_75d39a961ed7_e73003fb5432", "t13d1512h2_01c451f447b8_e7e537512c40", "t13d1715h1_93a4027c5c19_c7fbc2a8f1ba", "t13d1513h2_84078c71d48c_f4e2d0229263", "t13d1010h2_dc3bb92d972c_f08a14750444", "t13d1412h2_f32286fb7e9b_978a31bdf826", "t13d1712h2_4dc093d98ab5_496b8fe6a45f", "t13d1417h1_38fc9d27d8f9_7c0fcb3e70c7", "t13d1116h1_1103a89d7778_b740a75c6052", "t13d1413h2_7cf072e0cbbc_0fded2d8b78b", "t13d1515h1_97ffc6cd7975_a5ac232204df", "t13d1812h2_546c2d313085_7af3abcc7bd3", "t13d1815h2_946082404f1d_3b5f7f8151e2", "t13d1913h2_56d376fd0a57_18a3ca05b89f", "t13d1911h2_567550f3a23c_cdcf4a539b5d", "t13d1413h1_91c9584ad768_6598e82fbbbe", "t13d1210h1_289f680867e0_1df719b2bef5", "t13d1714h2_37a5cc8d7ce9_c92aa8a13345", "t13d1812h1_5bc1c5a6b1c7_f72318cf8370"], &["f3c9e9e7d9d62fb50f3ce234cc352b6a", "28c7cbbff04e57286455b37da3fff65d", "fef343b269558605d27f3a093cb3a402", "a25fab6856f67786767b4332f01fbaf8", "e0179afc50bbb97818c0874ac42c7d74", "b6e9e8325916a427bc19850ce73e3430", "84d9a10b785803c86e7a86c4e7db4f2f", "62977fb18f606c38f5652424878608e0", "fc381aed2f0d7083749de264b57de10e", "cda1086e7b669e52553c1d884580ae41", "633b7e681634ff5511b96d8ae131550f", "d58fba93304abbb786c2343166e32a9f", "4734865425feeaa4e2fe981b29ee11b9", "212f19d54dbcecc24b35c47009edc77e", "9d860030c6adb34d88db8c6df5bf89bc", "9450c15a73f4a27ba52ae08672b8301c", "45abe82ba53cce8cfd534153dfe5cb04", "4f8bd988ad5af4e1641751f85ed3f1eb", "7d52b20cf1cb80b2b73a41ba5ef542e1", "9fd94b3b6fecf8d2db5dd21ae74f29ed", "351f0562c96792e1b05adc534df2c646", "2ba847803c7c3359f3b98315ac5bcf48", "31a4c4555e1db7e9e779f6bee9cd5648", "d9c44a2f1c82cd44f6fc67728da23ddb", "c782d7898d625493ee8f6a041053984e", "e3370ab9b315f4d38663c6e6a3d13ee4", "06695036fb5e35bcd67d3a3e34fb912a", "ab60698299a03aac056aaff14f4eaed1"], &["IT", "UA", "GB", "TR", "VN", "HK"], &["IT", "MX", "KR", "RO", "ES", "PL", "BG", "NL", "GB", "CH", "CA", "US", "EG", "TR"], &["DE", "SG", "IN", "UA", "TR", "AU", "BG", "IT", "BD", "AR", "FR"], &["5616e13c9e101c67b7620d00a6273551", "768b8c2bce779212cccf1052fda3176f", "582b82b51c97d2306f247e00a3d4f27c", "4f0cd29458ce9e9cf2a4f64600bfcdcb", "c782d7898d625493ee8f6a041053984e", "2ba847803c7c3359f3b98315ac5bcf48", "622f1606ec6f3a6a9e4347bce6c628d5", "49440204fd424ded5edecb75d0f78db1", "5ad5b726bb4a30a0a6ea72c966382dda", "792293a50a1edd80f0acca3f36afa59b", "cad303877ebce4b0f39d234b9ae6fbf3", "dff5dbc0624aa04e4fa3d80e4e3166d5"], &["3324c53589e2e8da85281cca1885e2f6", "1fb75377817cb557ab0b46f95f121770", "5616e13c9e101c67b7620d00a6273551", "f3749ea8d26e6dfb1529c40566171e1b", "31a4c4555e1db7e9e779f6bee9cd5648", "4507898dcbe86e9c30b993f2a8a88964", "cf92d13c56d8bfb1cd77f1b048e48750", "f58c741df1bc5e3ea006c3ab85878fab", "59c0996daeee6f529a279764017f2ed6", "f4e4959f9290e16931f90db0184b9428", "0b9c6acb43ad340cf1954e227645ae4a", "ae7dc1cac13ee17c1c169ec99e5d914e", "d234466cbad71694a7184f62f25cbfe5", "606f47d629e4fd0354eff0e769c1a03d", "f3c9e9e7d9d62fb50f3ce234cc352b6a", "05fb85b4830ad8282feb1f5b58337010", "45abe82ba53cce8cfd534153dfe5cb04"], &["PH", "PK", "VN", "EG", "PL"], &["t13d1712h2_c086fdaa0fce_6b42c5c66abc", "t13d1116h1_1103a89d7778_b740a75c6052", "t13d1510h2_d56ed41b7880_fee9c51e4cd4", "t13d1416h2_d39a0231efe3_81087280a72a", "t13d1610h2_70d870432cce_7409aeaea525", "t13d1716h2_ee92d6cbd18a_10d7ba7f61c8", "t13d1017h2_e19a0d2fde7a_7e89178c8071", "t13d1714h1_75ad5693e028_5d406e1e532d", "t13d1714h1_cbeab2bc5650_1aa31f903732", "t13d1415h2_11d89b9ea462_3464e9f2eec6", "t13d1817h2_83db50bebd66_cb506eb609a3", "t13d1217h1_aff552d93ea5_637699af3964", "t13d1515h1_97ffc6cd7975_a5ac232204df", "t13d1517h1_ec5ea38e86e9_54a031afb4ac", "t13d1212h1_653ede413233_cc345131e4ae", "t13d1714h2_37a5cc8d7ce9_c92aa8a13345", "t13d1816h1_228bfc743052_56eb8f25d317", "t13d1617h1_4088279ac18b_88039a85ee0e", "t13d1916h2_c7119046d6d4_d8602518f27e", "t13d1116h2_0401149b7727_43aa260aaf16", "t13d1310h1_d4e49c7407e8_fceeb6e4d174", "t13d1312h2_4c0b1038094a_7f66fff635c2", "t13d1614h1_ed5f9732b7fd_d13888ad8b20", "t13d1417h1_5761cb172521_828e494d857d", "t13d1614h1_0885ff76c62c_87424c959d95", "t13d1710h1_09498519cc8d_dfd1ad8509ad", "t13d1712h2_cad66e03811b_4e20ba1104f5", "t13d1310h1_e2da00f829a9_74ed6db488f3", "t13d1715h1_735cd218312e_b05a3ec4668f"], &["TH", "AU", "SE", "VN", "CH", "SG", "NG", "CN", "UA"], &["ZA", "JP", "IN", "ES", "AU"], &["cd5f55f945ae1b0f46cfdfdef5207918", "4d42f8ac2acaf127972d33e5901a19bb", "7cdff7c2d727b060bf431bb49e4d7671", "7d52b20cf1cb80b2b73a41ba5ef542e1", "a25fab6856f67786767b4332f01fbaf8", "eb231645ae36f2e1e4de1e90c80621db", "f7bcd5c2972284c4cab3209eb83425de", "dabe898736a3566f893697b590481194", "70cf3ba9c12ba2e9651c69c3bf2e6416", "5451d99e95346080eff0f76fede20786", "ee8a565283d00c305fecf9bc92440630", "e2beee3253cd6ca2aaf6f38e14f46a1c", "7284003a264fe59af4718301393d4070", "162e0f46af9a43461ec30912ae139096", "2db5cc70072e6851cd842b530def3766", "5e556f590955c6242d7ec3403cc03014", "72e9bd849004b9f0ff90d970b6ddc75c", "e4c5be02ca19d862a1b13cbe1bb5264a", "ed5dfcbc3f75e2190a832a5c522af0d5", "752f3ea3e59c23caf1264044e9ce66a9", "54e554fb17f728b716bcfe11a3885ccb", "ff3de128a07a3d7fbc4105ff52fa7a81", "9db20c491b10b3907dcacccd65f46cbd", "0387befd60a0b1ae7fc2bdf3c96414f2", "795ef338b1e6d3791e8b2e376bd54661"], &["t13d1017h1_777e640970fe_d6d5cc8b8dbb", "t13d1612h1_263df01bcbdc_e1c7c42cbb19", "t13d1411h1_b8c1003fcff4_625be08e4d85", "t13d1614h1_ccbd260fd346_aa3868c47981", "t13d1517h2_8144907bb995_9fe94449c870", "t13d1213h1_992576d274b0_f5b3fc6fce73", "t13d1912h2_ab4bf20ebd76_a7af8aa64a77", "t13d1217h2_1322001a2ab6_4692baefa599", "t13d1313h2_44121343e442_9aa7fdd396f1", "t13d1211h2_b0ae38c42524_ace187d90541", "t13d1116h1_1103a89d7778_b740a75c6052", "t13d1416h2_234173fc4157_471272a288a4", "t13d1415h2_58afe3a82bd0_437e3394b9ed", "t13d1214h1_6bfe076b1c3a_2821e778577e", "t13d1212h2_c406bbc206b4_f037e3486dba", "t13d1210h2_f64724e2d2ae_58a0100002a5", "t13d1312h2_4c0b1038094a_7f66fff635c2", "t13d1415h2_e2a01ddcd822_0cb922790ea3", "t13d1017h2_7c1b32f2d17c_6da7d438ab1c", "t13d1117h2_304a9ec1550c_b7a8250245ea", "t13d1717h2_93d06cbb4129_2393977cfa04", "t13d1616h1_c656f27fecab_611e60b0bad0", "t13d1617h1_1b0d1af9a222_352e62d8ee4a", "t13d1514h1_e68fc85f7e40_7fc7438b8389", "t13d1014h1_d502f3424926_7dceec1f625d", "t13d1217h1_a214edfa937c_ccfb9a26584d", "t13d1914h1_74418288f864_32db60404161", "t13d1212h1_653ede413233_cc345131e4ae", "t13d1614h1_ed5f9732b7fd_d13888ad8b20", "t13d1612h2_4ca9dc2bf075_7bba0c274f61", "t13d1112h2_ed0c90c007ad_487ae6b46469", "t13d1916h2_c7119046d6d4_d8602518f27e", "t13d1010h2_dc3bb92d972c_f08a14750444", "t13d1013h1_0a39d0e8bbb7_8e1ae856acb5", "t13d1512h1_47f865d10bab_a03f664a8c6d", "t13d1117h2_591d9cc78d08_e942e04a3c45"], &["HK", "CN", "BR", "BD", "IN", "PK"], &["t13d1216h1_c8d1de678969_5a7c9c41aa1e", "t13d1813h1_ec82f5d103be_3403a1e261de", "t13d1711h2_9815a14c913d_8917e683cf34", "t13d1310h1_e2da00f829a9_74ed6db488f3", "t13d1416h2_234173fc4157_471272a288a4", "t13d1512h1_47f865d10bab_a03f664a8c6d", "t13d1014h1_75d39a961ed7_e73003fb5432", "t13d1017h2_c22effc4df44_a6f1a0c57b18", "t13d1713h1_aece32a7b47f_6c1b1f32ac69", "t13d1210h2_f64724e2d2ae_58a0100002a5", "t13d1716h2_224933f71a07_98cb259279c1", "t13d1217h2_1322001a2ab6_4692baefa599", "t13d1913h2_790132cef92d_b5888b88d16b", "t13d1510h1_d8949a229bee_1e2b57cecf65", "t13d1211h2_11a7f62c4f58_a91345f50156", "t13d1916h1_be2ec074024d_be5c0920b42e", "t13d1411h1_2b2d822aad80_2c6aefb51f04", "t13d1417h2_8d681df3fdca_3453b1128384", "t13d1312h2_3a57e201dfc2_d830ef19c1bc", "t13d1113h1_9dea7d35ea3b_c4ffd70986d1", "t13d1213h1_992576d274b0_f5b3fc6fce73", "t13d1511h2_05dfaa35b95e_50eedcf78baf", "t13d1712h2_c086fdaa0fce_6b42c5c66abc", "t13d1514h1_818fc18810fe_f5f31b04542d", "t13d1711h2_52e66e650a55_46d53da29747", "t13d1310h2_122fac3ed005_6003ad3407ca", "t13d1614h1_ccbd260fd346_aa3868c47981", "t13d1817h2_334835bda47f_683a2ef78a9e"], &["JP", "IN", "BR", "CN", "AU", "RO", "TH", "DE"], &["t13d1516h1_e2e0653250c3_7d7a4efbc366", "t13d1610h2_57af7e335440_efbd0b3df18d", "t13d1617h1_1b0d1af9a222_352e62d8ee4a", "t13d1614h2_6b7dbf8ccc2d_68425a9b00a9", "t13d1317h2_1e913feb1b8d_a90859bd0ea9", "t13d1512h2_e0fcd19d83eb_fab35dc240a8", "t13d1815h1_812b6c92a9e3_aa6365b6df37", "t13d1711h2_52e66e650a55_46d53da29747", "t13d1512h2_6b2118c5feca_e4ada5058d2f", "t13d1510h1_d8949a229bee_1e2b57cecf65", "t13d1513h2_6f5f91e50256_8463265a75c9", "t13d1914h1_942e853f791c_a5feb99cd79a", "t13d1811h2_801ad86a146a_17f21b2d2f48", "t13d1616h1_334d01616bcc_20c4e2a63568", "t13d1511h2_05dfaa35b95e_50eedcf78baf", "t13d1412h1_f6da32780dbb_e50308655715", "t13d1213h1_60d2f651d8c7_bf5979ffcbf9", "t13d1614h1_73dd8c055964_4a1294bec5e0", "t13d1512h1_c555afd878f9_b49abae9dcd0", "t13d1610h2_f7c4c33c6639_55cdb6d8ab3a", "t13d1017h1_4d1c5530b72d_23fede409ff8", "t13d1213h2_63b417ee30f1_88c9218cf0cc", "t13d1817h2_83db50bebd66_cb506eb609a3", "t13d1314h1_f506c52fb012_c718a61c7a48", "t13d1116h2_0f21b123b05e_32a5d21b7e14", "t13d1816h1_098b3ae2e232_525a0506be27", "t13d1012h2_700dcc213c62_26a012c18292", "t13d1916h1_1fea8697a7b7_ea37edb2b2bf", "t13d1810h2_ac5a19a114f2_2443572bba2d", "t13d1112h1_0f5149bb2159_a3121065cf38", "t13d1415h2_e2a01ddcd822_0cb922790ea3", "t13d1915h2_6ad177207d10_71214e591ab7"], &["4490fba7ddc9a0144acc6c2c6f3ae925", "d302b2ac09dc275c54898f425d8d9f2b", "2db5cc70072e6851cd842b530def3766", "3411550cde897d582c46c17c52efacc5", "eeddbfa8c05e782b29287332b16a6a89", "71ca40f98dcc16a7fb95593f485a27b7", "adc225a7aa98c8ebed550478265c332f", "ee8a565283d00c305fecf9bc92440630", "678602e2c6fa1bc4dbcb09bb9e26ede9", "978aa2447c462ddaed16dc0cf0b9cd7f", "2af5f391c21abdd370c191a4a741ce27", "78df0cac5e40c02d4e518ca6eaac8d82", "5ad5b726bb4a30a0a6ea72c966382dda", "d9ae4646494d45a235a40add9e846345", "e49cdbf5692f4565f3df97610b8b5512", "5616e13c9e101c67b7620d00a6273551", "1fb3f248e227f291a0fefadb9951981f", "ab60698299a03aac056aaff14f4eaed1", "cd34eabebdedde00d2497b491c4c0ee1", "36fab473926afea94bad50a77d8b4afe", "f835cfd943a25c0cf2363550ea314652", "c10834aefe227e4f85503593c52084eb", "250932616f0350867e2ac1f0ad5d0ac8", "d05ad7853c1f76eb97706ca828bca038", "606f47d629e4fd0354eff0e769c1a03d", "d47d5552c7f47e8e80e952eb9d8e96cf", "1c9ddc24829264ac29d7172d3e195304"], &["NL", "IT", "AU", "KR", "IN", "RU", "BD", "CA", "ZA", "SG", "CH"], &["ES", "SG", "PK", "NG", "TR", "RO", "SE", "IT", "DE"], &["t13d1616h2_ea490289621d_44f57c5dc67b", "t13d1614h1_ed5f9732b7fd_d13888ad8b20", "t13d1814h2_763ac582a5af_5ac55c77ab37", "t13d1714h1_cbeab2bc5650_1aa31f903732", "t13d1517h2_a0e9a760d47b_8cc45da913ca", "t13d1213h1_045b0296f861_60df26f234c1", "t13d1317h2_dd5f1b32af94_7f6df095a9d3", "t13d1914h2_5c2622c84abc_4c392a7e1748", "t13d1215h2_76a98d3fef75_c970a88f35ee", "t13d1515h1_97ffc6cd7975_a5ac232204df", "t13d1515h2_3efe924f9c52_3482c4d8554f", "t13d1010h1_0809ec531b66_db28d0913948", "t13d1411h1_b8c1003fcff4_625be08e4d85", "t13d1412h1_44efb437b614_2da1d8c601b7", "t13d1916h1_ee23b4c7a61b_e05bb355ed6d"], &["cfc7403d75e173e4eaede5fe878f78e2", "5451d99e95346080eff0f76fede20786", "5fd6dbbc8e547387dc644f05df4af981", "e9d34119f3374cebd4d3fd81b6ee7b3b", "7fb914b9e5595545731a4e8b561ab4be", "186d0f99f7c9e215edfe6a4aabc4b3a7", "087770b2f4fb5cff45671d08d76625ef", "e6b106695785a756058304c3a69e7bb5", "273aac7d643568ed81fb3adf784bfb90"], &["087770b2f4fb5cff45671d08d76625ef", "13daf3405dff69a912715d51cf591093", "1fb339258e4d27eb0d1cb7c2b70a3a44", "f511210d472406eb1ff00d00890d5334", "32320d3f3e19d67ec36f3bedc0b79889", "07fc29fe01a1a1c36e47214f0f174051", "233ab94c44205eb64de62343cbda4782", "4b858f9a3e247cb2c083eb8cb37f0a72", "22aac5d1c1419dc9ab084ce6ebc6921a"], &["RU", "VN", "RO", "BG", "KR", "IN", "BD", "CA", "TR", "AU", "JP", "ES", "PH"], &["GB", "PH", "ID", "AR", "UA", "BD", "FR", "IT", "CH", "PK"], &["t13d1612h2_4ca9dc2bf075_7bba0c274f61", "t13d1910h2_b07210c96906_308b416d1922", "t13d1715h1_735cd218312e_b05a3ec4668f", "t13d1210h2_19fcf726ee3d_c93dc346f91f", "t13d1715h1_93a4027c5c19_c7fbc2a8f1ba", "t13d1517h2_a0e9a760d47b_8cc45da913ca", "t13d1216h1_c8d1de678969_5a7c9c41aa1e", "t13d1710h1_09498519cc8d_dfd1ad8509ad", "t13d1517h1_2b2880fd4c6e_99a7d4a01b32", "t13d1416h2_234173fc4157_471272a288a4", "t13d1714h2_ef4eb7495c85_b0d941ed7c4b", "t13d1116h2_0401149b7727_43aa260aaf16", "t13d1412h1_44efb437b614_2da1d8c601b7", "t13d1812h1_5bc1c5a6b1c7_f72318cf8370", "t13d1814h2_763ac582a5af_5ac55c77ab37", "t13d1812h2_cf181b7382d3_bd1f75f97acb", "t13d1215h2_3ff64744723c_9377859ae84a", "t13d1712h2_1b777861722b_fc0b8bec8fae", "t13d1412h1_f6da32780dbb_e50308655715", "t13d1517h1_4334ffa31a79_d9131948c48a", "t13d1916h1_ee23b4c7a61b_e05bb355ed6d", "t13d1110h2_1a3860aa5b0c_d1264825e186", "t13d1013h1_b313be01b299_50e85cdc9e29", "t13d1712h2_cad66e03811b_4e20ba1104f5", "t13d1513h2_6f5f91e50256_8463265a75c9", "t13d1113h2_4c346e48a039_3f7e93e42a81"], &["4d42f8ac2acaf127972d33e5901a19bb", "c782d7898d625493ee8f6a041053984e", "ee8a565283d00c305fecf9bc92440630", "cf92d13c56d8bfb1cd77f1b048e48750", "351f0562c96792e1b05adc534df2c646", "c4306d435f132f40ddb1d7fcb3d48f72", "4a19fb2a7525dc2b76aab96f03be771a", "98abc2af1c9ef3b3071043ad7526b018", "834f4609d4fbde096207adaafee94958", "5741149db944f9a9b04171db6662a6fe", "2ba847803c7c3359f3b98315ac5bcf48", "9a06ab2480ac5c539a18d2f7be96953b", "d9c44a2f1c82cd44f6fc67728da23ddb", "51909f2428848880354eb587f51a244f", "4f8bd988ad5af4e1641751f85ed3f1eb", "4fe436ef15b3d33b9143b9b99f044d19", "9501f88cb6915292c348d6aa8e87aa6e", "05fb85b4830ad8282feb1f5b58337010", "ae7dc1cac13ee17c1c169ec99e5d914e", "dc7e56b18315ecf9f7ccf84d09eca13b", "f309ffea518f32cf21449273d7cee9d9", "1fb3f248e227f291a0fefadb9951981f", "810a485ed03241b4d419b1b673bd4755", "bc14ebbe24bca87305fc388e69f6342e"], &["SE", "AU", "UA", "BG", "RO", "ZA", "MX", "IT", "ES", "US"], &["EG", "ZA", "IT", "CH", "CA", "AU", "ES"], &["NG", "ID", "IN", "NL", "VN", "AU", "ES"], &["TH", "ZA", "MX", "RO", "JP", "IT", "NG", "KR", "ES"], &["t13d1811h1_c64706b41b75_b53574d681c9", "t13d1614h1_73dd8c055964_4a1294bec5e0", "t13d1417h1_38fc9d27d8f9_7c0fcb3e70c7", "t13d1210h2_f64724e2d2ae_58a0100002a5", "t13d1611h1_351687fa7dbc_1eb5b859437a", "t13d1913h1_200a24ea3314_625220d7612c", "t13d1913h2_d747d489aa32_dd4f65e053d8", "t13d1616h2_873d8f03c684_537417712c46", "t13d1116h1_1103a89d7778_b740a75c6052", "t13d1914h2_91edc6967db0_9c5e645c4d32", "t13d1213h1_60d2f651d8c7_bf5979ffcbf9", "t13d1817h1_41d0524cdb4c_793aa312bede"], &["RU", "PL", "PH", "CN", "BD", "BR", "JP", "MX", "ID"], &["t13d1910h2_b07210c96906_308b416d1922", "t13d1217h1_2eabf8aa4877_0df8a9fc1983", "t13d1210h2_19fcf726ee3d_c93dc346f91f", "t13d1711h2_52e66e650a55_46d53da29747", "t13d1514h2_c0582d368971_bf6d8581c598", "t13d1213h1_60d2f651d8c7_bf5979ffcbf9", "t13d1611h2_b216b65c795b_ad670103cf15", "t13d1517h2_fbf9fa6751bd_eeaceee44cd0", "t13d1811h2_bb0f8ca0af98_7069323ff516", "t13d1012h2_700dcc213c62_26a012c18292", "t13d1912h2_02ffc15280c8_2666e724ab56"], &["22aac5d1c1419dc9ab084ce6ebc6921a", "d696c58fd31737311872387ccc378f65", "7d52b20cf1cb80b2b73a41ba5ef542e1", "a661ff18d33e5ac70900e94c11a02f3d", "9df596e8604e2c7afee129eb9c5d75de", "f3749ea8d26e6dfb1529c40566171e1b", "33498522fb6c3f0d2f26dcae5590513a", "adc225a7aa98c8ebed550478265c332f", "0387befd60a0b1ae7fc2bdf3c96414f2", "7f3109754339aefb8f8be0b9af3804d7", "4d42f8ac2acaf127972d33e5901a19bb", "ee8a565283d00c305fecf9bc92440630", "1599e3e9c8fe21da80270815fe85df2f", "978aa2447c462ddaed16dc0cf0b9cd7f", "b6ab095be4e176b42317490a39ef0a66", "7cc72eee2fea3f03cd10296eab17eafb", "6997ebf6740d07b0a0c9367df148217d", "3931bdb2a0df3dbe4d58fed8a728e7ec", "30fd0a873f7a1a72e3e3211ca241e19d", "6c37df88cbfcf84e338ff740312f05ca", "d1add83efb1718dea0c6a207d2765a92", "235ba6e38facc3bbe5924a37935b4cd4", "250932616f0350867e2ac1f0ad5d0ac8", "f835cfd943a25c0cf2363550ea314652", "87f6e3490cacaead49a6fa5ca9f7ac8c", "768b8c2bce779212cccf1052fda3176f", "9bd1c7624f30492f3ea59528bb225e8f", "4c617ea48a1d907aa76177ca5e02f261", "d9ae4646494d45a235a40add9e846345"], &["CA", "UA", "RO", "GB", "TH", "IT", "FR", "ES", "CH", "RU", "SG", "SE", "BD"], &["KR", "RO", "ZA", "IT", "PK", "RU", "FR", "AR", "PL", "MX", "EG", "IN"], &["JP", "NG", "FR", "DE", "AR", "KR", "MX"], &["BD", "NL", "AR", "EG", "BR", "PK", "SG", "NG", "TH", "FR", "JP"], &["t13d1510h2_d56ed41b7880_fee9c51e4cd4", "t13d1915h1_cf67a1abf7af_7d02347d16ed", "t13d1511h2_c1dc426e5387_71017f117744", "t13d1914h2_91edc6967db0_9c5e645c4d32", "t13d1412h1_72159fd57062_23853eb54570", "t13d1112h2_ed0c90c007ad_487ae6b46469", "t13d1714h2_ef4eb7495c85_b0d941ed7c4b", "t13d1517h2_a0e9a760d47b_8cc45da913ca", "t13d1916h1_be2ec074024d_be5c0920b42e", "t13d1010h2_feeb6bb57c11_60897c2a3e2b", "t13d1015h2_adbf905b1940_36ab6c14c227", "t13d1815h2_cc09f0d21616_7f0b2b5c6409", "t13d1917h2_78d805471ad4_f6837530e415", "t13d1517h1_ef65c8c12fb2_6b99aee045bd", "t13d1311h1_1532b0bfc89e_9f0104dec99d"]];
pub static RUNS: &[(usize, Run)] = &[(10, run_10), (100, run_100)];

fn run_10(events: &[Event<'_>], p: &Prepared, counts: &mut [u32]) {
    let Ok(counts) = <&mut [u32; 10]>::try_from(counts) else { return };
    for e in events {
        counts[0] += u32::from(r0(e, p));
        counts[1] += u32::from(r1(e, p));
        counts[2] += u32::from(r2(e, p));
        counts[3] += u32::from(r3(e, p));
        counts[4] += u32::from(r4(e, p));
        counts[5] += u32::from(r5(e, p));
        counts[6] += u32::from(r6(e, p));
        counts[7] += u32::from(r7(e, p));
        counts[8] += u32::from(r8(e, p));
        counts[9] += u32::from(r9(e, p));
    }
}

fn run_100(events: &[Event<'_>], p: &Prepared, counts: &mut [u32]) {
    let Ok(counts) = <&mut [u32; 100]>::try_from(counts) else { return };
    for e in events {
        counts[0] += u32::from(r0(e, p));
        counts[1] += u32::from(r1(e, p));
        counts[2] += u32::from(r2(e, p));
        counts[3] += u32::from(r3(e, p));
        counts[4] += u32::from(r4(e, p));
        counts[5] += u32::from(r5(e, p));
        counts[6] += u32::from(r6(e, p));
        counts[7] += u32::from(r7(e, p));
        counts[8] += u32::from(r8(e, p));
        counts[9] += u32::from(r9(e, p));
        counts[10] += u32::from(r10(e, p));
        counts[11] += u32::from(r11(e, p));
        counts[12] += u32::from(r12(e, p));
        counts[13] += u32::from(r13(e, p));
        counts[14] += u32::from(r14(e, p));
        counts[15] += u32::from(r15(e, p));
        counts[16] += u32::from(r16(e, p));
        counts[17] += u32::from(r17(e, p));
        counts[18] += u32::from(r18(e, p));
        counts[19] += u32::from(r19(e, p));
        counts[20] += u32::from(r20(e, p));
        counts[21] += u32::from(r21(e, p));
        counts[22] += u32::from(r22(e, p));
        counts[23] += u32::from(r23(e, p));
        counts[24] += u32::from(r24(e, p));
        counts[25] += u32::from(r25(e, p));
        counts[26] += u32::from(r26(e, p));
        counts[27] += u32::from(r27(e, p));
        counts[28] += u32::from(r28(e, p));
        counts[29] += u32::from(r29(e, p));
        counts[30] += u32::from(r30(e, p));
        counts[31] += u32::from(r31(e, p));
        counts[32] += u32::from(r32(e, p));
        counts[33] += u32::from(r33(e, p));
        counts[34] += u32::from(r34(e, p));
        counts[35] += u32::from(r35(e, p));
        counts[36] += u32::from(r36(e, p));
        counts[37] += u32::from(r37(e, p));
        counts[38] += u32::from(r38(e, p));
        counts[39] += u32::from(r39(e, p));
        counts[40] += u32::from(r40(e, p));
        counts[41] += u32::from(r41(e, p));
        counts[42] += u32::from(r42(e, p));
        counts[43] += u32::from(r43(e, p));
        counts[44] += u32::from(r44(e, p));
        counts[45] += u32::from(r45(e, p));
        counts[46] += u32::from(r46(e, p));
        counts[47] += u32::from(r47(e, p));
        counts[48] += u32::from(r48(e, p));
        counts[49] += u32::from(r49(e, p));
        counts[50] += u32::from(r50(e, p));
        counts[51] += u32::from(r51(e, p));
        counts[52] += u32::from(r52(e, p));
        counts[53] += u32::from(r53(e, p));
        counts[54] += u32::from(r54(e, p));
        counts[55] += u32::from(r55(e, p));
        counts[56] += u32::from(r56(e, p));
        counts[57] += u32::from(r57(e, p));
        counts[58] += u32::from(r58(e, p));
        counts[59] += u32::from(r59(e, p));
        counts[60] += u32::from(r60(e, p));
        counts[61] += u32::from(r61(e, p));
        counts[62] += u32::from(r62(e, p));
        counts[63] += u32::from(r63(e, p));
        counts[64] += u32::from(r64(e, p));
        counts[65] += u32::from(r65(e, p));
        counts[66] += u32::from(r66(e, p));
        counts[67] += u32::from(r67(e, p));
        counts[68] += u32::from(r68(e, p));
        counts[69] += u32::from(r69(e, p));
        counts[70] += u32::from(r70(e, p));
        counts[71] += u32::from(r71(e, p));
        counts[72] += u32::from(r72(e, p));
        counts[73] += u32::from(r73(e, p));
        counts[74] += u32::from(r74(e, p));
        counts[75] += u32::from(r75(e, p));
        counts[76] += u32::from(r76(e, p));
        counts[77] += u32::from(r77(e, p));
        counts[78] += u32::from(r78(e, p));
        counts[79] += u32::from(r79(e, p));
        counts[80] += u32::from(r80(e, p));
        counts[81] += u32::from(r81(e, p));
        counts[82] += u32::from(r82(e, p));
        counts[83] += u32::from(r83(e, p));
        counts[84] += u32::from(r84(e, p));
        counts[85] += u32::from(r85(e, p));
        counts[86] += u32::from(r86(e, p));
        counts[87] += u32::from(r87(e, p));
        counts[88] += u32::from(r88(e, p));
        counts[89] += u32::from(r89(e, p));
        counts[90] += u32::from(r90(e, p));
        counts[91] += u32::from(r91(e, p));
        counts[92] += u32::from(r92(e, p));
        counts[93] += u32::from(r93(e, p));
        counts[94] += u32::from(r94(e, p));
        counts[95] += u32::from(r95(e, p));
        counts[96] += u32::from(r96(e, p));
        counts[97] += u32::from(r97(e, p));
        counts[98] += u32::from(r98(e, p));
        counts[99] += u32::from(r99(e, p));
    }
}

fn r0(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with("/login") && e.referer == "" && e.header_count < 4
}

fn r1(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[0].contains(e.ja4) && (e.header_count < 11 || e.accept_language == "")
}

fn r2(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with("/check") && p.finders[0].find(e.user_agent.as_bytes()).is_some() && e.session_age_s < 300
}

fn r3(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[1].contains(e.ip) && e.path.starts_with("/login")
}

fn r4(e: &Event<'_>, p: &Prepared) -> bool {
    e.method == "POST" && e.path == "/wp-login.php" && e.bot_score > 0.59
}

fn r5(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "m.shop.example" && p.regexes[0].is_match(e.user_agent) && e.body_size > 3000
}

fn r6(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 14012 | 20473 | 26389 | 37535 | 39623 | 55889 | 60068 | 114237 | 119584 | 132203 | 140073 | 156571 | 164822 | 198561 | 237981 | 311799 | 312790 | 314119 | 337139 | 340823 | 357512 | 376752 | 383095) && e.path.starts_with("/product/") && matches!(e.method, "POST" | "PUT" | "GET") && e.is_datacenter
}

fn r7(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.1" && p.sets[1].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r8(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[2].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 500 && e.session_age_s < 10
}

fn r9(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "admin.shop.example" && p.regexes[1].is_match(e.user_agent) && e.is_datacenter
}

fn r10(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[4].contains(e.ip) && e.path.starts_with("/product/")
}

fn r11(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[3].contains(e.country) && e.content_type == "application/json" && e.body_size > 500 && e.session_age_s < 30
}

fn r12(e: &Event<'_>, p: &Prepared) -> bool {
    e.is_datacenter && !(p.lists[2].contains(e.ip)) && e.session_age_s < 5 && e.path.starts_with("/api/v1/price/") && e.header_count < 9
}

fn r13(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[4].contains(e.country) && e.content_type == "application/json" && e.body_size > 2000 && e.session_age_s < 60
}

fn r14(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.2" && p.sets[5].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r15(e: &Event<'_>, p: &Prepared) -> bool {
    e.is_datacenter && !(p.lists[2].contains(e.ip)) && e.session_age_s < 10 && e.path.starts_with("/sneakers/") && e.status >= 400
}

fn r16(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[2].find(e.query.as_bytes()).is_some() || p.finders[3].find(e.path.as_bytes()).is_some())
}

fn r17(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "m.shop.example" && p.regexes[2].is_match(e.user_agent) && e.header_count < 13
}

fn r18(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "www.shop.example" && (p.regexes[3].is_match(e.path) || p.regexes[4].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && e.session_age_s < 60
}

fn r19(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with("/reviews") && e.referer == "" && e.bot_score > 0.83
}

fn r20(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with(".php") && e.referer == "" && e.is_datacenter
}

fn r21(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[3].find(e.path.as_bytes()).is_some() && (p.sets[6].contains(e.ja3) || matches!(e.country, "CH" | "ZA" | "SE" | "RO")) && e.header_count < 7
}

fn r22(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[0].find(e.user_agent.as_bytes()).is_some() && !(p.sets[7].contains(e.country)) && e.status >= 400
}

fn r23(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[8].contains(e.ja4) && (e.header_count < 5 || e.accept_language == "")
}

fn r24(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[3].contains(e.ip) && e.path.starts_with("/api/v1/giftcard")
}

fn r25(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "www.shop.example" && p.regexes[6].is_match(e.user_agent) && e.session_age_s < 300
}

fn r26(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[4].find(e.query.as_bytes()).is_some() || p.finders[3].find(e.path.as_bytes()).is_some())
}

fn r27(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "partner.shop.example" && (p.regexes[7].is_match(e.path) || p.regexes[8].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && !(e.has_cookie)
}

fn r28(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[9].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 500 && e.session_age_s < 30
}

fn r29(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[5].find(e.user_agent.as_bytes()).is_some() && !(p.sets[10].contains(e.country)) && e.is_datacenter
}

fn r30(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.2" && p.sets[11].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r31(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 16509 | 22880 | 51167 | 63541 | 63949 | 73306 | 80232 | 114729 | 201828 | 335343 | 354885 | 399587) && e.path.ends_with(".txt") && e.is_datacenter
}

fn r32(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 10311 | 14061 | 14618 | 20473 | 53687 | 120746 | 129403 | 139993 | 173339 | 237981 | 252470 | 269665 | 319460) && (e.path == "/api/v1/login" || p.regexes[6].is_match(e.user_agent)) && e.header_count < 12
}

fn r33(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[6].find(e.query.as_bytes()).is_some() || p.finders[7].find(e.path.as_bytes()).is_some())
}

fn r34(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[12].contains(e.ja4) && (e.header_count < 6 || e.accept_language == "")
}

fn r35(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[13].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 500 && e.session_age_s < 60
}

fn r36(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "admin.shop.example" && p.regexes[9].is_match(e.user_agent) && e.bot_score >= 0.39
}

fn r37(e: &Event<'_>, p: &Prepared) -> bool {
    e.method == "POST" && e.path == "/wp-login.php" && e.bot_score > 0.6
}

fn r38(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[14].contains(e.ja4) && (e.header_count < 10 || e.accept_language == "")
}

fn r39(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with(".webp") && e.referer == "" && e.status >= 400
}

fn r40(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[8].find(e.query.as_bytes()).is_some() || p.finders[9].find(e.path.as_bytes()).is_some())
}

fn r41(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[15].contains(e.country) && e.content_type == "application/json" && e.body_size > 1000 && e.session_age_s < 30
}

fn r42(e: &Event<'_>, p: &Prepared) -> bool {
    e.is_datacenter && !(p.lists[2].contains(e.ip)) && e.session_age_s < 5 && e.path.starts_with("/product/") && e.is_datacenter
}

fn r43(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[16].contains(e.ja4) && (e.header_count < 8 || e.accept_language == "")
}

fn r44(e: &Event<'_>, p: &Prepared) -> bool {
    e.is_datacenter && !(p.lists[2].contains(e.ip)) && e.session_age_s < 10 && e.path.starts_with("/static/") && e.bot_score > 0.59
}

fn r45(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.1" && p.sets[17].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r46(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[18].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 2000 && e.session_age_s < 300
}

fn r47(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[10].find(e.user_agent.as_bytes()).is_some() && !(p.sets[19].contains(e.country)) && e.status >= 400
}

fn r48(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[20].contains(e.ja4) && (e.header_count < 6 || e.accept_language == "")
}

fn r49(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[11].find(e.user_agent.as_bytes()).is_some() && !(matches!(e.country, "BR" | "HK" | "VN" | "KR")) && e.session_age_s < 120
}

fn r50(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[1].contains(e.ip) && e.path.starts_with("/category/")
}

fn r51(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.3" && p.sets[21].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r52(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[4].contains(e.ip) && e.path.starts_with("/category/")
}

fn r53(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 8075 | 37535 | 43082 | 51167 | 53687 | 75005 | 86674 | 117906 | 128451 | 129403 | 131070 | 145952 | 155660 | 188308 | 195879 | 202425 | 204793 | 209286 | 213178 | 220049 | 258844 | 266271 | 281268 | 315731 | 333011 | 336148 | 340823) && (p.lists[2].contains(e.ip) || p.regexes[10].is_match(e.query)) && e.bot_score >= 0.66
}

fn r54(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.3" && p.sets[22].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r55(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[5].contains(e.ip) && e.path.starts_with("/api/")
}

fn r56(e: &Event<'_>, p: &Prepared) -> bool {
    e.is_datacenter && !(p.lists[2].contains(e.ip)) && e.session_age_s < 30 && e.path.starts_with("/api/v1/login") && e.body_size > 3000
}

fn r57(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "admin.shop.example" && p.regexes[2].is_match(e.user_agent) && e.header_count < 9
}

fn r58(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[23].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 1000 && e.session_age_s < 10
}

fn r59(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[24].contains(e.country) && e.content_type == "application/json" && e.body_size > 500 && e.session_age_s < 60
}

fn r60(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[12].find(e.query.as_bytes()).is_some() || p.finders[13].find(e.path.as_bytes()).is_some())
}

fn r61(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with(".ico") && e.referer == "" && e.bot_score > 0.53
}

fn r62(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[25].contains(e.ja4) && (e.header_count < 8 || e.accept_language == "")
}

fn r63(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[14].find(e.query.as_bytes()).is_some() || p.finders[15].find(e.path.as_bytes()).is_some())
}

fn r64(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 8075 | 16509 | 16569 | 24940 | 35437 | 49223 | 58469 | 99929 | 104386 | 146137 | 156571 | 177992 | 207605 | 255255 | 258844 | 279391 | 281237 | 281627 | 288628 | 308543 | 324834 | 335093 | 358475) && e.path.starts_with("/checkout") && matches!(e.method, "POST" | "PUT" | "GET") && e.header_count < 6
}

fn r65(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 8075 | 16276 | 35731 | 43082 | 50807 | 60068 | 60158 | 80231 | 83020 | 87294 | 99824 | 119584 | 198561 | 199291 | 211794 | 229790 | 262551 | 297558 | 306377 | 337139 | 368055 | 385838 | 397933) && e.path.starts_with("/sneakers/") && matches!(e.method, "POST" | "PUT" | "GET") && e.session_age_s < 10
}

fn r66(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.3" && p.sets[26].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r67(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[2].find(e.query.as_bytes()).is_some() || p.finders[7].find(e.path.as_bytes()).is_some())
}

fn r68(e: &Event<'_>, p: &Prepared) -> bool {
    e.method == "POST" && e.path == "/api/graphql" && e.bot_score > 0.72
}

fn r69(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[3].contains(e.ip) && e.path.starts_with("/account/")
}

fn r70(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 14061 | 14618 | 24940 | 53836 | 87294 | 120746 | 128493 | 137852 | 139993 | 146137 | 161325 | 165867 | 173339 | 180431 | 199395 | 222177 | 245492 | 250074 | 290514 | 329688 | 335093 | 361789 | 383830) && e.path.starts_with("/api/v1/login") && matches!(e.method, "POST" | "PUT" | "GET") && e.body_size > 256
}

fn r71(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[27].contains(e.country) && e.content_type == "application/json" && e.body_size > 2000 && e.session_age_s < 10
}

fn r72(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[16].find(e.user_agent.as_bytes()).is_some() && !(p.sets[28].contains(e.country)) && !(e.has_cookie)
}

fn r73(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[29].contains(e.country) && e.content_type == "application/json" && e.body_size > 1000 && e.session_age_s < 10
}

fn r74(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[1].contains(e.ip) && e.path.starts_with("/account/")
}

fn r75(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "checkout.shop.example" && (p.regexes[11].is_match(e.path) || p.regexes[4].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && e.is_datacenter
}

fn r76(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with(".jpg") && e.referer == "" && !(e.has_cookie)
}

fn r77(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[30].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 1000 && e.session_age_s < 300
}

fn r78(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[31].contains(e.ja4) && (e.header_count < 7 || e.accept_language == "")
}

fn r79(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "www.shop.example" && p.regexes[12].is_match(e.user_agent) && e.bot_score > 0.49
}

fn r80(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[17].find(e.user_agent.as_bytes()).is_some() && !(p.sets[32].contains(e.country)) && e.bot_score > 0.46
}

fn r81(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "checkout.shop.example" && (p.regexes[11].is_match(e.path) || p.regexes[10].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && e.bot_score >= 0.65
}

fn r82(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "cdn.shop.example" && p.regexes[1].is_match(e.user_agent) && e.header_count < 9
}

fn r83(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[18].find(e.user_agent.as_bytes()).is_some() && !(matches!(e.country, "NG" | "ES" | "JP" | "US")) && !(e.has_cookie)
}

fn r84(e: &Event<'_>, p: &Prepared) -> bool {
    e.path.ends_with(".ico") && e.referer == "" && e.header_count < 8
}

fn r85(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "partner.shop.example" && (p.regexes[13].is_match(e.path) || p.regexes[14].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && !(e.has_cookie)
}

fn r86(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[33].contains(e.ja4) && (e.header_count < 6 || e.accept_language == "")
}

fn r87(e: &Event<'_>, p: &Prepared) -> bool {
    e.tls_version == "TLSv1.3" && p.sets[34].contains(e.ja3) && p.finders[1].find(e.user_agent.as_bytes()).is_some()
}

fn r88(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[35].contains(e.country) && e.content_type == "application/x-www-form-urlencoded" && e.body_size > 1000 && e.session_age_s < 30
}

fn r89(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "www.shop.example" && p.regexes[15].is_match(e.user_agent) && e.session_age_s < 120
}

fn r90(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[36].contains(e.country) && e.content_type == "application/json" && e.body_size > 500 && e.session_age_s < 30
}

fn r91(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 8075 | 13212 | 14061 | 16929 | 30071 | 37535 | 63949 | 65544 | 83020 | 84798 | 114729 | 117126 | 127500 | 165968 | 200178 | 211794 | 232428 | 244955 | 248074 | 283523 | 286029 | 340823 | 382345) && e.path.starts_with("/cart") && matches!(e.method, "POST" | "PUT" | "GET") && e.session_age_s < 120
}

fn r92(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[19].find(e.user_agent.as_bytes()).is_some() && !(p.sets[37].contains(e.country)) && e.bot_score > 0.93
}

fn r93(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[20].find(e.user_agent.as_bytes()).is_some() && !(p.sets[38].contains(e.country)) && e.session_age_s < 10
}

fn r94(e: &Event<'_>, p: &Prepared) -> bool {
    e.host == "api.shop.example" && (p.regexes[11].is_match(e.path) || p.regexes[8].is_match(e.query)) && !(p.regexes[5].is_match(e.user_agent)) && e.status >= 400
}

fn r95(e: &Event<'_>, p: &Prepared) -> bool {
    (p.finders[8].find(e.query.as_bytes()).is_some() || p.finders[7].find(e.path.as_bytes()).is_some())
}

fn r96(e: &Event<'_>, p: &Prepared) -> bool {
    p.finders[21].find(e.user_agent.as_bytes()).is_some() && !(matches!(e.country, "DE" | "TR" | "AU" | "ES")) && e.session_age_s < 120
}

fn r97(e: &Event<'_>, p: &Prepared) -> bool {
    p.lists[4].contains(e.ip) && e.path.starts_with("/images/")
}

fn r98(e: &Event<'_>, p: &Prepared) -> bool {
    matches!(e.asn, 16569 | 24940 | 28501 | 31878 | 48996 | 51167 | 66034 | 83807 | 89825 | 99929 | 104348 | 112165 | 130073 | 132203 | 139066 | 145784 | 239817 | 250074 | 285806 | 289528 | 315731 | 335343 | 383095) && e.path.starts_with("/giftcard") && matches!(e.method, "POST" | "PUT" | "GET") && !(e.has_cookie)
}

fn r99(e: &Event<'_>, p: &Prepared) -> bool {
    p.sets[39].contains(e.ja4) && (e.header_count < 5 || e.accept_language == "")
}
