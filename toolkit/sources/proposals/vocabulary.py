"""The words that say whose a quotation is, in the languages that reports come in: patterns, no rules."""

from __future__ import annotations

import re

from toolkit.sources.proposals.labels import PLATFORMS


def _words(plain: str, cjk: str = "") -> str:
    """Return a pattern for whole words; Chinese and Japanese set no blanks between theirs."""
    return rf"(?:(?<!\w)(?:{plain})(?!\w)" + (rf"|{cjk})" if cjk else ")")


# What posts, and what is posted.
POSTERS = _words(
    r"accounts?|pages?|users?|channels?|profiles?|personas?|bots?|trolls?|sock ?puppets?|commenters?|netizens?|admins?|"
    r"Kont(?:o|en)|Nutzer(?:in|innen)?|Profile?|Kan[aä]le?|Seiten?|"
    r"comptes?|internautes?|utilisat(?:eur|rice)s?|"
    r"cuentas?|usuari[oa]s?|páginas?|perfil(?:es)?|contas?|usuári[oa]s?|utent[ei]|profil[oi]|pagin[ae]|"
    r"аккаунт\w*|пользовател\w*|страниц\w*|канал\w*|профил\w*|акаунт\w*|користувач\w*|сторінк\w*|حساب\w*|مستخدم\w*",
    "账号|帳號|账户|帳戶|用户|用戶|网民|網民|网友|網友|アカウント|ユーザー",
)
POSTED = _words(
    r"(?<!blog )(?<!op-ed )posts?|tweets?|retweets?|(?<!for )comments?(?! (?:to|for) (?:us|this|the)\b)|"
    r"repl(?:y|ies)|messages?|captions?|threads?|"
    r"postings?|status update|Beitr[aä]ge?n?|Kommentare?|Nachrichten?|publications?|commentaires?|légendes?|"
    r"publicaci(?:ón|ones)|tuits?|comentarios?|mensajes?|postage[mn]s?|comentários?|commenti|"
    r"пост\w{0,3}|твит\w*|комментари\w*|сообщени\w*|допис\w*|коментар\w*|منشور\w*|تغريدة|تعليق\w*",
    "帖子|帖文|推文|评论|評論|留言|贴文|貼文|跟帖|投稿|ツイート",
)
HANDLE = r"(?<![\w@])@\w[\w.]{1,39}"
# Who speaks and what is quoted, and is no post.
OTHERS = _words(
    r"spokes\w+|minist(?:er|ers|ry|ries)|mayors?|president|governor|ambassador|chair\w*|director|professor|experts?|"
    r"researchers?|analysts?|officials?|reporters?|journalists?|authors?|editors?|company|firms?|government|police|court|"
    r"judges?|council|guild|unions?|embassy|agency|newspapers?|papers?|magazines?|articles?|reports?|statements?|books?|"
    r"stud(?:y|ies)|letters?|laws?|act|charter|constitution|guide|guidelines|witness(?:es)?|residents?|senators?|lawmakers?|"
    r"committee|institute|university|sources?|polic(?:y|ies)|rules|head of|members?|founders?|owners?|"
    r"Sprecher(?:in)?|Minister\w*|Bürgermeister(?:in)?|Behörden?|Polizei|Regierung|Zeitung|Bericht|Forscher(?:in|innen)?|"
    r"porte-parole|ministre|maire|gouvernement|journal|portavoz|ministr[oa]|alcalde(?:sa)?|gobierno|portavoce|sindaco|"
    r"представител\w*|министр\w*|мэр\w*|губернатор\w*|полици\w*|газет\w*|журналист\w*|речник\w*|المتحدث|وزير|رئيس",
    "发言人|發言人|部长|部長|市长|市長|镇长|鎮長|政府|官员|官員|记者|記者|专家|專家|教授|公司|报告|報告|声明|聲明|法律|总统|總統|報道官",
)
DOCUMENTS = _words(
    r"(?:press |written |joint |public )?statements?|press releases?|blog posts?|e-?mails?|letters?|reports?|interviews?|"
    r"articles?|op-eds?|speech(?:es)?|books?|press conferences?|hearings?|papers?|briefings?|stud(?:y|ies)|"
    r"Pressemitteilung|Erklärung|Interview|communiqué|entretien|comunicado|entrevista|carta|интервью|заявлени\w+",
    "声明|聲明|采访|採訪|新闻稿|新聞稿",
)
# What is written somewhere, and was never posted as such.
NEVER = re.compile(
    _words(
        r"bios?|biograph(?:y|ies)|descriptions?|slogans?|headlines?|logos?|banners?|usernames?|taglines?|mottos?|watermarks?|"
        r"signs?|posters?|placards?|names?|stickers?|t-?shirts?|prompts?|instructions?"
    ),
    re.IGNORECASE,
)
STRONG = _words(
    r"tweeted|tweets|tweeting|retweeted|reposted|posted|posting|captioned|twitterte|postete|posteten|a tweeté|a posté|tuiteó|"
    r"posteó|tuitou|postou|ha twittato|твитнул\w*|запостил\w*|غرد\w*",
    "发帖|發帖|发文|發文|发推|發推|跟帖|投稿",
)
SAID = _words(
    r"wrote|writes|writing|written|commented|commenting|replied|replying|responded|asked|said|says|saying|claimed|claiming|reads?|"
    r"reading|stated|stating|declared|complained|joked|argued|added|shared|published|exclaimed|urged|warned|quipped|insisted|"
    r"alleged|asserted|(?:would|will|could|did|to) (?:write|say|reply|comment|answer|ask|claim)|"
    r"proclaimed|answered|announced|mocked|lamented|thundered|concluded|told|tells|went on|"
    r"schrieb|schreibt|schrieben|kommentierte|antwortete|behauptete|sagte|erklärte|lautete?|hieß es|"
    r"(?:a )?écrit|écrivait|(?:a )?publié|(?:a )?commenté|(?:a )?répondu|affirme|"
    r"escribió|escribieron|publicó|comentó|respondió|afirmó|decía|dice|escreveu|publicou|comentou|afirmou|disse|"
    r"(?:ha )?scritto|scrive|(?:ha )?pubblicato|(?:ha )?commentato|"
    r"написа\w+|пишет|пишут|писал\w*|опубликова\w+|прокомментировал\w*|ответил\w*|говорится|заявил\w*|пише|كتب\w*|نشر\w*|علق\w*",
    "写道|寫道|写到|評論道|评论道|评论说|评论称|回复|回覆|留言|表示|声称|聲稱|称|稱|说|說|と書い|と述べ",
)
VERB = re.compile(rf"(?P<strong>{STRONG})|(?P<said>{SAID})", re.IGNORECASE)
NOUN = re.compile(rf"(?P<post>{POSTERS}|{POSTED}|{HANDLE})|(?P<other>{OTHERS})", re.IGNORECASE)
NAMED = "|".join(re.escape(name) for name in PLATFORMS if name not in ("X", "Medium", "Threads"))
PLATFORM = rf"(?:(?i:{NAMED})|X|Medium|Threads)"
PLACE = re.compile(
    rf"(?<!\w)(?:on|to|auf|bei|sur|en|в|у) (?:\w+ )?{PLATFORM}(?!\w)|(?:在|于){PLATFORM}|"
    rf"(?<!\w)(?i:in|under|with|avec|mit|con|в) (?:\w+ ){{0,3}}{POSTED}"
)
IN_DOCUMENT = re.compile(
    rf"(?<!\w)(?:in|during|via|by|of|at|from) (?:[\w’'-]+ ){{0,4}}{DOCUMENTS}|"
    rf"^\s*(?:an?|the|its|his|her|their|another) (?:[\w’'-]+ ){{0,3}}{DOCUMENTS}",
    re.IGNORECASE,
)
BARE = re.compile(r"\s*(?:(?:that|how|with|as follows|the following|que|dass|что)\s*)?", re.IGNORECASE)
NEW_SUBJECT = re.compile(
    r"(?:,|;|，|；|(?<!\w)(?:while|whereas|and|but|when|after|before|as|und|während|et|mais|y|mientras|и|а|но)(?!\w))\s*",
    re.IGNORECASE,
)
# "the account, run by an aide of the minister, wrote"
ASIDE = re.compile(
    r"\s*(?:run|which|who|whose|that|created|named|called|known|registered|based|active|posing|using|with|first|now|then|later|[a-z]+ed|seen|written|since|"
    r"also|again|in turn|for (?:its|their|his|her) part|meanwhile|\d)\b",
    re.IGNORECASE,
)
SAME = re.compile(
    r"\W*(?:then |later |in turn |yet |still |for instance |for example |in another |in one )*(?:another(?: one)?|others?|"
    r"a (?:second|third|fourth|fifth|sixth|further)(?: one)?|some|one|it|they|he|she|the (?:first|second|third|same|latter|"
    r"other|next)(?: one)?|ein anderer|eine andere|andere|une? autre|otr[oa]s?|другой|другая|другие|另一|又|还|還)\W*",
    re.IGNORECASE,
)
PERSON = re.compile(r"(?<!\w)(?:he|she)(?!\w)", re.IGNORECASE)
# Said to those who report it, or to one alone: posted to nobody.
PRIVATE = re.compile(r"(?<!\w)(?:to|with) us(?!\w)|(?:told|tells) us(?!\w)|(?:private|direct) messages?", re.IGNORECASE)
# What the picture above shows is a post.
PICTURED = re.compile(
    rf"(?:(?:fig(?:ure|\.)?|image|screenshot|exhibit|picture|photo|example)\b\.?\s*[0-9]{{0,3}}[a-z]?\s*[.:–—|-]*\s*)?"
    rf"(?:[\w’'@-]+ ){{0,5}}(?:{POSTED})",
    re.IGNORECASE,
)
FINITE = re.compile(
    r"(?<!\w)(?:is|was|are|were|has|had|have|will|would|could|can|ist|war|est|es|fue)(?!\w)", re.IGNORECASE
)
# Between a verb and its words: ", e.g.,".
FOR_EXAMPLE = re.compile(r",? ?(?:e\.g\.|for example|for instance|namely|among other things),?", re.IGNORECASE)
# What is quoted from posts and is none.
PHRASES = re.compile(
    r"(?<!\w)(?:phrases?|words?|terms?|slogans?|hashtags?|expressions?|keywords?|insults?|tags?|titles?|names?)(?!\w)",
    re.IGNORECASE,
)
SUCH_AS = re.compile(
    r"(?:such as|like|including|included?|for example|for instance|e\.g\.|namely|among them|with the (?:words?|text)|"
    r"wie|zum Beispiel|comme|como|например|比如|例如)[,:：]?\s*\Z",
    re.IGNORECASE,
)
LISTED = re.compile(r"\s*(?:[,;，、/|]|(?:,\s*)?(?:and|or|und|oder|et|ou|y|o|e|и|或|和|及)(?!\w))?\s*(?:[,]\s*)?")
ENGAGEMENT = (
    r"[0-9][0-9.,]*\s?[km]?\s(?:likes?|shares?|retweets?|reposts?|views?|comments?|repl(?:y|ies)|reactions?|followers?|"
    r"interactions?|upvotes?)"
)
SIGNATURE = re.compile(
    rf"\s*[.,]?\s*(?:[—–―-]{{1,2}}|[(（\[])\s*(?:{HANDLE}|[^\n.()]{{0,60}}?(?:{HANDLE}|{ENGAGEMENT})|"
    rf"(?:on )?{PLATFORM}(?= ?[,;:)\]]|\s+(?:user|account|page|post|comment|profile|channel)|\s*\Z)|"
    rf"[^\n.()“”\"]{{0,50}}?(?:{POSTERS}|{POSTED})(?! of ))",
)
IN_BRACKETS = re.compile(r"\s*[.,]?\s*(?:[(（\[]|[—–―]|-{1,2}\s)([^()（）\[\]\n]{0,120})")
OTHER = re.compile(OTHERS, re.IGNORECASE)
DOCUMENT = re.compile(DOCUMENTS, re.IGNORECASE)
BOUNDARY = re.compile(r"(?<=[.!?…])[”’\"')\]]*(?:\[?[0-9]{1,3}\]?)?\s+(?=[^\sa-z])|(?<=[。！？])[”’」』）]*")
