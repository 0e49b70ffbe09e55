"""The Chinese phrases by which pages say what a line is: the words that the rules of the extraction look for.

Simplified and traditional spellings; where a rule misses or mistakes a line on a new site, this is the file to change.
"""

from __future__ import annotations

import re

ASIDE_NAMES = re.compile(
    r"(?:^|[-_ ])(?:relat(?:ed|ion)\w*|relev\w*|recommend\w*|xgyd|xgxw|xgjd|xgwz|xiangguan|tuijian|guess\w*|hot"
    r"|hot(?:news"
    r"|list|rank|article|words?)"
    r"|rank(?:ing)?(?:list)?|paihang|share\w*|bdshare\w*|fenxiang|comments?\w*|cmt|pinglun|reply|replies|respond"
    r"|breadcrumbs?\w*|crumbs?|dqwz|weizhi|position|location"
    r"|copyright|copy|footer|foot|dibu|bottom|sidebar|side|aside|advert\w*|ads?|gg|guanggao|qrcode|ewm|erweima"
    r"|toolbar|tools?"
    r"|next|prev|previous|pagination|post-?nav\w*|editor-?note|statement|disclaimer|shengming|nav\w*|menu\w*"
    r"|daohang|topbar|top-bar|toptb"
    r"|login|passport|signup|subscribe|newsletter|tags?|keywords?|reward|dashang|donate|author-?(?:info|box|intro"
    r"|card)|user-?(?:info|card)|toc"
    r"|read-?more|more-?news|latest|popular|friend-?links?|links?|weixin|wechat|app-?download|download-?bar"
    r"|skip-link|screen-reader\w*|visually-hidden)"
    r"(?:$|[-_ \d])",
    re.IGNORECASE,
)
"""Names of classes and ids of what stands beside an article."""

BODY_NAMES = re.compile(
    r"(?:^|[-_ ])(?:trs_editor|ucap-content|ucapcontent|zoom|ozoom|vsb_content\w*|v_news_content|wp_articlecontent"
    r"|js_content|artibody|endtext"
    r"|article-?_?(?:content|body|text|main|con)|content-?_?article|post-?_?(?:body|content)|entry-content"
    r"|news-?_?(?:con|content|text|body)|main-?text"
    r"|articletext|contentbody|bt_content|rm_txt_con|left_zw|pages_content|detailcontent|rich_media_content|t_fsz"
    r"|d_post_content)(?:$|[-_ \d])",
    re.IGNORECASE,
)
"""Names of classes and ids that widespread content systems give to an article's body, and to nothing else."""

TITLE_NAMES = re.compile(
    r"(?:^|[-_ ])(?:\w*title|headline|tit|ti|tt|bt|biaoti|wzbt|subject|thread_subject|topic-name|ar_title|arttitle"
    r"|\w*biaoti|name-title)(?:$|[-_ \d])",
    re.IGNORECASE,
)

NOT_TITLES = re.compile(
    r"^(?:首页|今日\w{2}|首頁|正文|新闻|新聞|要闻|头条|新闻中心|新闻频道|图片频道|(?:通知|公示|公告){1,2}|信息公开|政务公开|政策文件"
    r"|政策解读|民意征集|政府公报|网上问政|热门\w{0,4}|相关\w{0,6}"
    r"|推荐\w{0,4}|\w{0,4}排行榜?|评论|最新\w{0,4}|登录|注册|搜索|导航|栏目导航|联系我们|关于我们|\w{1,8}(?:版"
    r"|频道|专栏|头条文章)|全部评论|发表评论|我要评论|[\u4e00-\u9fff]{2}(?:机关|机构|单位|部门)[:：].{0,40})$"
)
DOCUMENT_NUMBER = re.compile(r"[〔\[【（(]\d{4}[〕\]】）)]\s*\d+\s*号$")
SITE_ENDING = re.compile(
    r"(?:网|網|网站|新闻网|日报|晚报|晨报|早报|时报|商报|都市报|周刊|频道|论坛|社区|博客|客户端|门户|平台|公司"
    r"|集团|委员会|政府|法院|检察院|学校|小学|中学|幼儿园|办公室|官网|医院|大学|学院|电视台|信息港|公报|局|厅"
    r"|中心|研究院|协会|热线|(?:学|工程|管理|教育)系|博物馆|图书馆|文化馆|档案馆|街道|团委|工会|妇联|管委会|(?:工作|管理|财务|教务|人事|科研|保卫)处|办事处|分局|手机版|移动版|触屏版|电脑版|知识库|数据库|数字报|网站群|微门户)$"
)

INFORMATION = re.compile(
    r"(?:发布|發布|發佈|发表|發表|更新|刊登|信息|时间|日期|點擊|点击)?[时日時][间期間]\s*[:：]|(?:来\s?源|來源|出处"
    r"|索\s?引\s?号|发[文布]机[关构]|发文字号|主题分类|信息分类|公文种类|有效性|成文日期"
    r"|字号|字體|字体|编辑|編輯|责编|浏览次数|浏览量|点击数?|点击量"
    r"|阅读量?|访问量|阅读次数|作者|发布人|发布者|访问次数|审核|供稿|稿源)\s*[:：]"
    r"|(?:查看|回复|浏览|点击|阅读)\s*[:：]?\s*\d"
    r"|^(?:信件|来信|留言|受理|办理|工单|写信|提问|咨询|诉求)(?:编号|状态|类[型别]|人|人姓名|时间|日期|单位|部门|去向|对象)(?:\s|[:：])"
    r"|^(?:[Uu]pdated|[Pp]ublished|[Pp]osted|[Rr]elease [Dd]ate|[Ss]ource|[Aa]uthor|[Ff]ont [Ss]ize)\s*[:：]"
)
"""What lines between headline and text say."""
_ANNOUNCES = re.compile(r"[^:：]*[，。；][^:：]*[:：]$")


def informs(text: str) -> bool:
    """Whether a line says time, medium or author, and is no sentence that announces what follows:
    `下列门诊停诊，请合理安排就诊时间：`."""
    return INFORMATION.search(text) is not None and not _ANNOUNCES.fullmatch(text)


# A line as a whole that is none of the article's.
LINE_FURNITURE = re.compile(
    r"^[【\[（(]?\s*(?:责任编辑|責任編輯|责\s?编|编\s?辑|編輯|网络编辑|网站编辑|图片编辑|见习编辑|实习编辑"
    r"|本期编辑|校\s?对|审\s?核|审\s?签|初审|复审|终审|监\s?制|总监制"
    r"|[一二三]审|记\s?者|撰\s?[文稿]|采\s?写|文\s?字|图\s?文|摄\s?[影像]|视\s?频|[图照]\s?片|[题配头封动]图|封面图?|素材|音\s?频|统稿|出品人?|编导|监审|内审"
    r"|值班\S{0,4}|审读|签审|签发|主编|副主编|总编辑?|执行主编|新媒体编辑|编审|制图|海报|剪辑|文案|制作|排版|美编"
    r"|统筹|策划|本文编辑|(?:文章|信息|稿件)?录入\w{0,2}|editors?|edited by|reporters?|source"
    r"|(?:本文|文章|信息|稿件|新闻|资料)?来\s?源|(?:本文)?作\s?者|原标题|原標題|通讯员|供稿|供图)\s*[:：丨|｜︱]"
    # Names and offices end as no sentence does: 记者：改革的背景是什么？ 初审：街道办事处五日内完成初审。
    r"(?!.{5,}[？?]$|.{8,}[。；;]$).{0,60}$"
    r"|^(?:本文|文章)(?:链接|地址|网址|标题)\s*[:：]|^[【\[〔]关键[词字][】\]〕]|^[（(]?作者单位\s*[:：]|^(?:关键词|关键字|关键詞|标签|標籤|文章关键词|tags?)\s*[:：>]"
    r"|^[【\[（(]?(?:我要)?(?:打印|关闭|返回|分享|收藏|纠错|我要纠错|纠错|举报|复制链接|字号|字体|放大|缩小|调整字体"
    r"|缩小字体|放大字体|字体大小|默认"
    r"|超大|顶部|回到顶部|返回顶部|返回列表|返回首页|关闭窗口|打印本页|收藏本页"
    r"|推荐给朋友|投稿|举报/反馈|展开全文|阅读原文|查看原文|展开|收起|点赞|在看|广告|无障碍阅读|长者模式"
    # What follows a single character stands apart: 小区停车难 begins like 小, the size of letters, and is a headline;
    # 大桥村 is a village.
    r"|手机浏览|加入收藏|挑错|推荐)[\u4e00-\u9fff]{0,2}[】\]）)]?"
    r"(?:[\s|｜/【\[（(】\]）)]+[\u4e00-\u9fffA-Za-z]{1,6}){0,8}[】\]）)]?$"
    r"|^[【\[（(]?(?:大中小|大|中|小|赞|踩)(?![\u4e00-\u9fffA-Za-z\d])[】\]）)]?"
    r"(?:[\s|｜/【\[（(】\]）)]+[\u4e00-\u9fffA-Za-z]{1,6}){0,8}[】\]）)]?$"
    r"|^(?:上一[篇条页则章版]|下一[篇条页则章版]|前一篇|后一篇|阅读下一篇|上/下一篇|上 / 下一篇|没有了)"
    r"|^(?:分享到|分享至|分享让|分享[:：]|分享此文|扫一扫|扫描|扫码|长按|微信扫|用微信|识别二维码|二维码)"
    r"|^(?:点击)?展开(?:全文|全部|剩余|阅读)|^(?:视频)?(?:正在)?加载中|浏览器不支持|安装\s*flash|^自动播放$"
    # Forums note who changed a post last.
    r"|^[\[【（(]?\s*(?:此|本|该)(?:帖子?|楼|回复|主题)\s*(?:最后|最近)?\s*(?:由|被|于).{1,60}(?:编辑|修改)"
    r"|^\S{1,24}\s?于\s?\d{4}[-/.年][\d\-/.月日 :：]{4,16}\s?(?:最后|最近)?(?:编辑|修改)过?$"
    r"|^(?:非常|很|比较|较|基本|不)?满意(?:[\s|/]*(?:(?:非常|很|比较|较|基本|不太?|很不)满意|满意|一般))+$"
    r"|^点击图片进入下一页|^责编\s|^[【\[（(]?(?:满意度(?:评价|测评)|以上(?:回答|答复|内容)是否|您?(?:请)?对(?:本次|该|此|这次)\S{0,8}(?:答复|回复|办理|服务)\S{0,8}评价)"
    # Who had which part in it, one behind the other.
    r"|^(?:[\u4e00-\u9fff]{0,4}(?:主编|编辑|责编|校对|审核|监制|制图|摄影|[图稿片章]?\s?来源|作者|记者)\s*[:：/]\s*[^\s:：，。]{1,14}?\s*){2,}$"
    # What accounts set around each of their articles: the collection it is in, where to write to them.
    r"|^收录于(?:合集|话题|专辑)|^(?:投稿|商务|广告|转载|合作|进群|爆料|商务合作|业务合作)(?:邮箱|微信|电话|QQ|合作|联系)?\s*[:：]\s*[A-Za-z0-9@._+-]{4,40}$"
    # Where an advertisement was to be; the label over an office's answer.
    r"|^(?:画中画)?广告位?(?:招租)?$|^画中画(?:广告)?$|^(?:回复|答复)内容[:：]?$"
    # What a player shows under its picture.
    r"|^\d{1,2}:\d{2}\s*/\s*\d{1,2}:\d{2}\D{0,12}$"
    # How long it takes to read.
    r"|^(?:本文|全文)\S{0,4}\d+\s*[多余]?字\s*[，,|｜/·]?\s*(?:\S{0,2}(?:阅读|读完)\S{0,6}\d*\S{0,3}分钟)?[。]?$"
    # A share's price now, set into a text beside its name.
    r"|^\S{2,10}\s*[（(](?:s[hz]|hk)?\.?\d{5,6}(?:\.\w{2})?[)）]\s*\d+\.\d+\s*[+-]\d+\.\d+\s*%?\s*(?:[+-]?\d+\.\d+%)?$"
    # A button over a player, or beside a file.
    r"|^(?:请)?点击(?:这里|此处|图片|按钮|下方)?(?:播放|观看|收听|查看|下载|收看|放大)[\u4e00-\u9fff]{0,4}$"
    r"|^\d+\s*人?(?:已|觉得很?)?(?:点)?赞过?$|^(?:视频|节目|内容|图集)?(?:简介|介绍)\s*[:：]$"
    r"|^(?:点赞|赞|收藏|评论|转发|分享|在看|举报)(?:\s*[+＋]?\d+)?(?:[\s|/]+(?:点赞|赞|收藏|评论|转发|分享|在看"
    r"|举报)(?:\s*\d+)?)*$"
    # What readers are asked about the page, and how they answered.
    # Of the page only: what an interviewer asks is the text.
    r"|^(?:您|你)(?:觉得|认为)(?:这|本|此|该|以上|上述)[篇条个则次]?(?:政策)?(?:解读|文章|信息|内容|回答|答复|回复|页面|网页)"
    r"\S{0,6}?(?:有帮助|有用|满意|看懂|清楚).{0,6}[吗？?]?$"
    r"|^(?:[您你]?对.{0,10}\s*[:：]\s*)?(?:(?:非常|很|比较|较|基本|不太?|很不)?(?:满意|一般)[（(]\d+[)）]\s*){2,}$"
    r"|^(?:您的)?IP(?:地址)?已(?:被)?记录.{0,8}$"
    # Counters in boxes of their own follow one another without a space.
    r"|^(?:(?:围观|关注|阅读|浏览|点赞|赞|踩|支持|反对|收藏|评论|转发|分享)\s*[:：]?\s*\d+\s*[次人万+]?[\s|/·]*){2,}$"
    r"|^[-—–―·\s]+(?:(?:the\s)?end|完|全文完)[-—–―·\s]+$|^[-—=_*]{5,}.{0,20}[-—=_*]{5,}$|^(?:end|the end)$",
    re.IGNORECASE,
)

SENTENCE_FURNITURE = re.compile(
    r"^[【\[（(*※]?\s*(?:特别声明|免责声明|版权声明|郑重声明|平台声明|免责申明|版權聲明|声明|作者声明|网站声明"
    r"|风险提示)\s*[】\]）)]?\s*[:：]"
    r"|本(?:网站?|站|刊|平台|公众号|号|博客)\S{0,30}(?:不代表|不构成|仅供参考|版权归|转载|转自|信息存储)"
    r"|本文\S{0,20}(?:[不无][能法可](?:替代|代替)\S{0,8}(?:诊疗|就医|诊断|治疗|面诊|医嘱)|不代表|不构成|仅供参考|版权归|原创文章|独家稿件|转载自|转自|整理自)|(?:不代表"
    r"|并不意味着)\S{0,8}(?:本站|本网|平台|本刊)\S{0,6}(?:观点|立场)"
    r"|(?:未经|未經|如需|严禁|禁止|谢绝|不得)\S{0,16}(?:转载|轉載|摘编|翻印|转贴)|(?:未经|未經)\S{0,6}(?:书面|协议"
    r"|正式)?授权\S{0,4}(?:禁止|不得|严禁)"
    r"|转载(?:请|须|时)(?:附上|注明|标明|联系)|侵权必究|违者必究|版权(?:均)?[归属]\S{0,12}(?:所有|作者)|版权所有"
    r"|版權所有|all rights reserved"
    r"|^copyright\s|©|保留所有权利"
    r"|[网站台]所?提供的\S{0,12}仅供参考|仅提供信息存储|据此操作.{0,4}风险|凡本(?:网|站)|如(?:其他媒体|对稿件|因作品|有侵权|涉及版权"
    r"|涉及侵权)\S{0,40}(?:联系|负责|自负|进行|删除|处理)|(?:本站"
    r"|本网)\S{0,10}(?:立场无关|无关)"
    r"|^本文(?:来自|来源于|首发于|转自|转载自|系)\S{0,40}(?:授权|公众号|转载|发布)|经授权(?:发布|转载)|侵删"
    r"|(?:违法和不良|涉未成年人|网络谣言)\S{0,6}举报|本文由入驻\S{0,20}撰写"
    r"|返回.{1,8}查看更多|^notice[:：] the content above|海量资讯、精准解读|网易号为自媒体|CC BY(?:-\w+)*\s"
    r"|不用抽\s*不用搶|您需要登录后"
    r"|登录后\S{0,4}(?:回帖|评论|发表|回复)|文明(?:上网|发言|评论)|网友评论仅|以上网友发言|网站标识码|ICP备\d"
    r"|公网安备",
    re.IGNORECASE,
)
"""Sentences that speak of the page and the rights in it, not of the matter."""

HANDED_ON = re.compile(
    r"^(?:您|你)的(?:留言|来信|信件|诉求|问题|咨询|投诉|建议)(?:内容)?已(?:经|由\S{2,20})?(?:转交|转办|转送|交办|交由|受理|提交|分派|签收)"
    r"[^。]{0,40}[。！]?$"
)
"""A step on a message's way, which boards show between the message and its answer."""

IMPRINT = re.compile(
    r"^(?:主\s?题\s?词|抄\s?送|分\s?送|印发机关)\s*[:：]|^[^，。；]{4,40}\s20\d{2}年\d{1,2}月\d{1,2}日\s?印发$"
)
"""What is printed under an official document for its filing: subject words, who gets a copy, who had it printed."""

PROMOTION = re.compile(
    r"(?:点击|點擊|點我|点我|长按|扫描|扫码|扫一扫|識別|识别|關注|关注|搜索|添加|下载|下載|打开|打開|进入|訂閱"
    r"|订阅|查看|回复)\S{0,24}(?:公众号|公眾號|微信|二维码|二維碼|客户端"
    r"|APP|蓝字|更多|专题|頻道|频道|在看|当前页)"
    r"|(?:微信|公众号|APP|客户端)\S{0,14}(?:关注|搜索|下载|扫|\w{5,}$)|用APP看新|欢迎(?:提供新闻线索|投稿|关注"
    r"|扫描)|(?:新闻线索|爆料|报料)\S{0,6}(?:热线"
    r"|电话|邮箱|[:：])|[报爆]料有[奖酬]|二维码\S{0,6}(?:查看|关注|报名|下载)|24小时(?:报料|热线)|点个\S{0,4}(?:在看|赞)"
    r"|更多\S{0,8}(?:资讯|内容|精彩|新闻|猛料)\S{0,16}(?:请|关注|下载|进入|点击|扫|在|!|！)|如果喜欢\S{0,6}(?:点赞"
    r"|收藏|转发)|^[>＞»\s]*点击(?:进入|查看)"
    r"|点击(?:上方|下方|顶部|标题下)\S{0,24}(?:关注|订阅)|设为?星标|^(?:欢迎|请|记得)?关注我们"
    r"|(?:评论|留言)区\S{0,4}(?:说说|聊聊|留言|告诉|分享|见)|(?:欢迎|记得|快来)\S{0,4}(?:评论|留言)区"
    # Alone: of a library, too, it is said that reading there is nicer.
    r"|^(?:打开|下载|进入|在\S{2,6}打开)\S{0,14}[\s，,]*体验(?:效果)?更(?:佳|好|流畅)[。！!]?$|^[想要]爆料[？?]|拨打新闻热线|在(?:应用|客户端|APP)[内中里]?打开"
    # The account's name alone behind it, as articles in WeChat begin.
    r"|^(?:点击)?关注[\u4e00-\u9fffA-Za-z]{2,10}$"
    r"|^温馨提示\s*[:：]?\S{0,4}(?:微信|关注)|请(?:支持|转发)\S{0,10}(?:网站|链接)",
    re.IGNORECASE,
)
"""What invites to an app, a channel, a column: furniture where it is short, or at the beginning or end of a text."""

BYLINE = re.compile(
    r"^[□◎■○●]?\s*(?:文\s*[/／|丨])?\s*(?:本报|本网|本刊|本台|特约|见习|实习|全媒体|融媒体|\w{0,8}新闻"
    r"|\w{0,6}报)?(?:评论员|通讯员|记者|記者|作者|撰文|摄影"
    r"|图)[\s:：/]?[^。，！？；]{0,30}$"
)
CREDIT = re.compile(
    r"^[（(【\[]\s*(?:(?:来源|作者|记者|通讯员|文|图|文/图|图/文)\s*[:：/／|丨]?\s*)?\S{0,16}?"
    r"(?:融媒体?(?:中心)?|[\u4e00-\u9fff]报|新闻社?|[\u4e00-\u9fff]网|电视台|广播台|客户端|工作室|记者|通讯员|作者|供稿)"
    r"[\s:：/／|丨、]+[^（）()【】。，！？；]{2,40}[）)】\]]$"
)
"""Who wrote it, in brackets on a line of its own, as media print it under a text."""
CREDITED = re.compile(
    r"[\u4e00-\u9fff &/／]{0,6}[资素料图文稿片音频设绘配播诵画品整撰摄拍剪译校审编监策统][\u4e00-\u9fff &/／]{0,5}"
    r"\s*[:：丨|｜︱]\s*[^。；！？]{2,40}"
)
"""A part somebody had in an article, by labels that may say other things alone: `资料：市民政局`."""
CLOCK = re.compile(r"^\d{1,2}[:：]\d{2}(?:[:：]\d{2})?$")
ADOPTED = re.compile(r"(?:通过|公布|发布|修订|修正|施行|印发)\s*[)）]?$")

READ_ON = re.compile(
    r"^[【\[>＞»·●■◆☆★▶]*\s*(?:相关(?:阅读|新闻|链接|报道|文章|推荐|专题|内容|稿件|资讯|问题|解读|附件|政策(?:文件)?|文件|文档|问答|公告|法规)"
    r"|相關(?:新聞|閱讀|文章|報導|連結)|推荐(?:阅读|新闻|文章"
    r"|内容)?|延伸(?:阅读|閱讀)|扩展阅读|热门(?:推荐|新闻|文章|评论|回复|搜索|话题)?|24小时热\S{1,2}|一周热\S{1,2}"
    r"|[小频专图视今精][编道题片频听日选]推荐|你可能(?:喜欢|感兴趣).{0,4}|您可能(?:喜欢|感兴趣).{0,4}|猜你想看"
    r"|\S{0,8}(?:人|网友|用户|读者|大家)(?:们)?(?:都|也|还|正)在?[看读]了?|热点(?:新闻|推荐|关注)|猜你喜欢"
    r"|更多(?:阅读|新闻|精彩|报道|推荐|文章)?|为您推荐|为你推荐|编辑推荐"
    r"|精彩推荐|今日热点|新闻推荐|推薦閱讀|熱門新聞|頭條新聞|头条新闻|往期(?:回顾|推荐|精选)"
    r"|(?:政策|文件)原文(?:链接)?|解读链接|关联政策|最新(?:文章|新闻|评论|回复|动态)|作者最新文章|同类文章|(?:阅读|点击"
    r"|评论)?排行榜?|[^，。]{0,8}排行(?:榜)?)"
    r"(?:推荐)?\s*(?:[>＞»…]*|[:：])?\s*$"
)
"""The heading of links to other articles."""

THE_END = re.compile(
    r"^[【\[（(]?\s*(?:责任编辑|責任編輯|责\s?编|责编|编辑|[【\[]编辑|网络编辑|网站编辑|本文编辑|上一[篇条]"
    r"|下一[篇条]|前一篇|后一篇|阅读下一篇|打印本页|关闭窗口|我要纠错|纠错|分享到"
    r"|分享至|扫一扫在|扫描二维码|文章关键词|附件下载"
    r"|[您你]对.{1,20}(?:是否满意|满意吗|满意度)"
    r"|(?:网友|全部|最新|热门|精彩)?评论\s*(?:[（(]?\d*[)）]?|列表|\d*条?)$|(?:网友)?(?:点评|评论|跟[帖贴]|留言)区?\s*[（(]\d+\s*条?[)）]$|\d+\s*条?(?:评论|回复|跟贴)|跟贴"
    r"|网友跟帖|发表(?:评论|回复|您的)|我来说两句"
    r"|我要(?:评论|提意见|留言)|发表回复|举报/反馈|版权声明|特别声明|免责声明|郑重声明|平台声明)"
)
"""A line after which nothing of the article comes, unless more of it stands in the same place."""

REPLIES = re.compile(
    r"^\d+\s*[楼樓#]|[楼樓]主|沙发|板凳|回复|回覆|回帖|发表于|發表於|评论|举报|只看该作者|点赞|赞\(?\d"
    r"|来自.{1,12}(?:客户端|网页)"
)

FLOOR = re.compile(r"(?:^|[\s|丨/·])(?:第\s?)?\d{1,5}\s?(?:楼|#)(?:$|[\s|丨/·])|^#\d{1,5}$")
"""The number of a post in its thread, apart from other words: `来自 客户端 | 3楼 | 回复`."""

ATTACHED = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|wps|et|ofd|zip|rar|7z)(?:$|[?#])", re.IGNORECASE)
ANSWERED = re.compile(
    r"(?:反映|咨询|提出|来信|留言|诉求|提问|信件|问题)\S{0,30}(?:收悉|知悉|[答回]复如下)|^(?:您好|你好)\S{0,40}(?:收悉|[答回]复如下)"
)
"""With what an office begins its answer to a citizen's message."""
KIND_MARK = re.compile(
    r"(?:问|Q|咨询|投诉|建议|求助|求决|举报|感谢|表扬|其他|原创|转载|转帖|独家|置顶|精华|热门?|推荐|公告|视频|图集|直播|快讯|专题|头条|问答|已?办结|已?回复)"
)
"""What is set as a small mark before a headline: of what kind it is."""
PARTICULAR = re.compile(
    r"(?:发\s?[布文]|成文|公开|生成|信息|索\s?引)(?:单位|机[构关]|时间|日期|来源|号|编号|名称)\s*[:：]?\s"
)
"""How rows begin that say of a document what it is, in a table over its text."""
CONTACT = re.compile(
    r"\S{0,8}(?:热线|电话|邮编|地址|公众号|网址|微博|邮箱|传真)(?:[（(][^）)]{1,10}[）)])?\s*[:：]\s*[^，。；]{2,40}$"
)
MESSAGE_FIELD = re.compile(
    r"[【\[]?(?:问题|留言|来信|信件|咨询|诉求|提问|投诉|答复|回复|办理|网友)(?:内容|正文|详情)[】\]]?\s*[:：]?"
    r"|[【\[]?(?:答复|回复)(?:单位|部门|机构|时间|日期|人)[】\]]?(?:\s*[:：]|\s+).{0,60}"
)
"""What boards and tables write beside a message and its answer: labels alone, who answered and when."""
BRACKETED_DAY = re.compile(r"[（(]\s*(?:\d{4}|[〇○零一二三四五六七八九]{4})\s?年.{1,3}月.{1,3}日\s*[)）]")
"""A day alone in brackets, as it stands under the title of a speech, inside the text."""
ANSWERS = re.compile(
    r"(?:其他|其它|更多|全部|最佳|精选|精彩|推荐)\s?\d*\s?[个条]?回答|^\d+\s?[个条]回答$|提问者(?:采纳|推荐)|我来答|写回答"
)
"""What pages of a question say of the answers to it."""
DAY_OF_DOCUMENT = re.compile(r"(?:\d{4}|[〇○零一二三四五六七八九]{4})\s?年\s?.{1,3}\s?月\s?.{1,3}\s?日")
"""A day alone, as it stands under the title of a document with its office."""
OF_DOCUMENT = re.compile(
    r"[:：]$|[〔\[【（(]\d{4}[〕\]】）)]|\d\s?[年月]\s?\d|\d{4}[-./]\d|[〇○零一二三四五六七八九]年"
    r"|附\s?件|附[:：表]|^[（(](?!.*编辑)|^\d|^[一二三四五六七八九十]+[、．.]"
    r"|(?:局|厅|部|委|委员会|办公室|政府|公司|医院|学校|大学|学院|系|院|中心|处|科|所|站|会|党委|街道|社|队|馆|银行|组|团|集团|室|厂|协会)$"
)
"""What a short line says that belongs to a document: whom it is to, its number, its day, its files, who signs."""
ADORNED = re.compile(r"[-—–~·•★☆▼]+\s*[^\s。，].{0,10}[^\s。，]\s*[-—–~·•★☆▼]+")
"""A label between strokes, the heading of something that does not follow where it ends a text."""
OF_THE_HOUSE = re.compile(
    r"[-—–~·•★☆▼＊*]+\s*(?:医院|学校|本院|我院|单位|机构|公司|团队|作者|平台|我们的?)?(?:简介|介绍)\s*[-—–~·•★☆▼＊*]+"
)
"""The heading, between strokes, of what an account says of itself under its articles."""
TOPICS = re.compile(r"(?:\s*#[^\s#]{1,20}#?)+\s*$")
"""The topics that an author puts a note under, at its end."""
PAGE_NUMBER = re.compile(r"[\[【（(]?\d{1,3}[\])】）]?(?:\s+\d{1,3})*")
"""What is left of the numbers of an article's pages, under its text."""
UNFOLDS = re.compile(r"(?:点击)?(?:展开|查看|阅读|显示)(?:全文|全部|剩余\S{0,8})|全文展开|展开")
"""What is pressed to have the rest of a text shown."""
OFFER = re.compile(
    r"(?:广告|推广|去看看|去逛逛|去购买|(?:立即|马上)(?:购买|抢购|领取|预约|下载)|领券购买|(?:查看|了解)详情"
    r"|(?:到手|券后|活动|秒杀)价.{0,24}|[¥￥]\s?\d[\d.]*.{0,12}|已售\s?\d.{0,6})"
)
"""What advertisements and goods in a text say beside their name."""
NUMBERED = re.compile(r"附\s?件|附[:：]|\d{1,2}\s*[.、．]")
ABSTRACT = re.compile(
    r"^[【\[〔]?(?:内容|文章)?(?:摘 ?要|提要)[】\]〕]?\s*[:：]|^[【\[〔](?:内容|文章)?(?:摘 ?要|提要)[】\]〕]"
)
"""What the editors put over a text to draw readers in; it says again, or promises, what the text says."""
ABSTRACT_LABEL = re.compile(
    r"[【\[]?(?:AI|智能|内容|文章|本文|新闻)?(?:导读|导语|速读|速览|摘要|提要|总结)[】\]]?\s*[:：]?"
)
MESSAGE_LABEL = re.compile(
    r"^(?:(?:来信|留言|信件|诉求|问题|咨询|提问|写信|答复|回复)(?:内容|正文|详情) ?[:：]? "
    r"|(?:视频|节目|内容|图集)简介 ?[:：] ?)(?=\S{8})"
)
"""What stands before a message, its answer, or a few words on a film, in one line with it."""
