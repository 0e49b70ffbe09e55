"""What the parts refuse, in the words of the duty room.

The parts' own messages are written for the command line. Those that somebody at a page can meet stand here; one that
does not is shown as it is, so that nothing is hidden.
"""

from __future__ import annotations

import re

from minsheng.errors import MinshengError

_KNOWN: tuple[tuple[str, str], ...] = (
    (r"the first day, (.+), comes after the last, (.+)", r"起始日期 \1 晚于截止日期 \2，请核对。"),
    # Tickets and casework
    (r"a ticket is closed with a reason", "请写明理由。"),
    (r"a false alarm is declared with a reason", "请写明理由。"),
    (r"a ticket is reopened with a reason", "请写明理由。"),
    (r"ticket (\S+) is \S+ and can't become \S+", "工单的状态已经改变，不能再这样处理。下面是现在的状态。"),
    (r"the event of (\S+) has an open ticket already: (\S+)", r"这个事件已有未办结的工单 \2，请在那里办理。"),
    (r"a level is set with a reason", "调整等级要写明理由。"),
    (r"ticket \S+ has level \S+ already", "工单已经是这个等级。"),
    (r"a ticket is transferred to a unit, with a reason", "转办要写明接办单位和理由。"),
    (r"ticket \S+ is with (.+) already", r"工单已经在\1。"),
    (r"clocks are paused with a reason", "暂停计时要写明理由。"),
    (r"the clocks of \S+ stand still already", "计时已经暂停。"),
    (r"the clocks of \S+ are not paused", "计时没有暂停。"),
    (r"a comment says something", "请写批注内容。"),
    (r"a comment has at most (\d+) characters", r"批注最多 \1 字，较长的内容请作为附件。"),
    (r"ticket \S+ has ended \((.+?)\): .*", r"工单\1，不能再这样处理；需要时请先重新打开。"),
    (r"a task needs a title", "请写明要做什么。"),
    (r"a (?:task|report) can't be due in the past", "时限已经过去，请填以后的时间。"),
    (r"task \d+ is (?:done|cancelled) already", "这项任务已经完成或取消。"),
    (r"a task is cancelled with a reason", "取消任务要写明理由。"),
    (r"nothing about the task is to change", "没有要改的内容。"),
    (r"a task is passed down to a unit, and says what is demanded", "督办要写明承办单位和办理要求。"),
    (r"a report says what was done", "请写办理情况。"),
    (r"a report is returned with what is missing", "退回要写明还缺什么。"),
    (r"(.+) has not reported on task \d+", r"\1还没有反馈。"),
    (r"task \d+ of (.+) is settled \((.+)\)", r"\1的督办\2，不能再改；需要时另行下达。"),
    (r"the same file is attached already, as (.+)", r"同一个文件已经在附件里：\1。"),
    (r"the file is larger than ([\d,]+) bytes", r"文件超过 \1 字节，没有保存。"),
    (r"the file is empty", "文件是空的，没有保存。"),
    (r"an attachment is removed with a reason", "移除附件要写明理由。"),
    (r"ticket \S+ has (?:no|more than one|\d+) attachments? .*", "没有这个附件，或有多个同名的。"),
    (r"(.+) can't be read: .*", r"\1 读不出来，请运维从备份恢复。"),
    (r"(.+) is not the file that was attached: .*", r"\1 与当初上传的不一致，不予下载，请运维从备份恢复。"),
    (r"'(.*)' is no address of a page", r"“\1”不是网页地址，应以 http:// 或 https:// 开头。"),
    (r"'(.*)' is no id of a document", r"“\1”不是信息编号。"),
    (r"there is no policy '(.*)' in the register", r"没有登记过政策“\1”。"),
    (r"no document bears the region '(.*)'", r"没有标为“\1”的信息，请按信息上的地区名称填写。"),
    (r"ticket \S+ is linked to .+ already", "已经关联过了。"),
    (r"ticket \S+ is not linked to .+", "没有这条关联。"),
    (r"\S+ is the same ticket", "这是同一张工单。"),
    (r"\S+ and \S+ are related already", "两张工单已经互相关联。"),
    (r"there is no ticket (.*)", r"没有工单 \1。"),
    (r"ticket (\S+) has ended", r"工单 \1 已经结束，只能关联，不能并案。"),
    (r"a ticket is split with a title for the new one, and a reason", "分案要写明新工单的标题和理由。"),
    (r"\S+ and \S+ are one event already", "它们已经是同一个事件。"),
    (r"these are all documents of the event", "不能把全部信息都分出去，请只选属于另一件事的。"),
    (r"\S+ is no document of \S+", "所选信息不属于这个事件。"),
    (r"\S+ is not part of another event", "这个事件没有并入别的事件。"),
    (r"there is no event .*", "没有这个事件。"),
    (r"the event of a drill stays as it is", "演练事件不能合并或拆分。"),
    # Research sheet
    (r"the research sheet of \S+ has version \d+(?: by (\S+))?, you worked on \d+",
     r"您填写期间，\1已保存了新的一版。您写的还在下面，请对照新版修改后再保存。"),
    (r"the newest version of \S+'s research sheet is \d+, not \d+", "研判单已有新的一版，请看过再签发。"),
    (r"version \d+ is signed by (\S+) already", r"这一版已由\1签发。"),
    (r"the sheet is not complete: (.+)", r"还有未填的项目：\1。填齐后才能签发。"),
    (r"a section has at most (\d+) characters", r"每项最多 \1 字。"),
    # Responses
    (r"the response is empty or too short to be one", "请填写回应全文（至少 10 字）。"),
    (r"the response is said to be of .*", "回应时间还没有到，请核对。"),
    (r"the score sheet has .*", "五项都要打分，每项 1 至 5 分。"),
    (r"\S+ has no evaluated response", "还没有记录回应，不能打分。"),
    # Plans
    (r"plan \S+ version \d+ is \S+, not a draft", "这一版不是草稿，不能审核。"),
    (r"(\S+) has written it", r"这一版由\1起草，应由另一人审核。"),
    (r"plan \S+ version \d+ is \S+", "只有审核过的版本才能生效。"),
    (r"plan \S+ expired on (\S+)", r"预案有效期到 \1，已经过期，请改有效期后再审核。"),
    (r"plan \S+ was changed by somebody else meanwhile", "别人刚刚改过这份预案，请刷新后再看。"),
    (r"plan \S+ version \d+ is retired already", "这一版已经停用。"),
    (r"there is no version \d+ of plan .*", "没有这一版预案。"),
    # Duty
    (r"there is no person (\S*) in the duty book", r"值守手册里没有“\1”。"),
    (r"nobody stands in for himself", "不能自己顶自己的班。"),
    (r"there is no roster .*", "没有这个值班表。"),
    (r"the end lies not after the beginning", "结束时间应晚于开始时间。"),
    (r"that is more than 400 days", "时间跨度超过 400 天。"),
    (r"a change is made with a reason", "请写明理由。"),
    (r"(\S+) has no watch at (.+)", r"\1在 \2 没有班。"),
    (r"there is no change \d+ in force", "这条调整已经撤回或不存在。"),
    (r"'(.*)' is no (?:time|length of time)", r"“\1”不是时间，请写成 2026-11-24 20:00。"),
    # Rules, channels
    (r"rules are changed with a reason", "启用规则要写明理由。"),
    (r"there are no rules \d+", "没有这一版规则。"),
    (r"there is no channel (.*)", r"没有渠道“\1”。"),
    (r"channel (\S+) reaches one person at a time", r"渠道 \1 要指定收件人。"),
    (r"(\S+) has no address at channel (\S+)", r"\1在渠道 \2 没有登记联系方式。"),
    # Questions and answers
    (r"there is no entry \S+ in the Q&A base", "问答库里没有这一条。"),
    (r"\S+ was changed meanwhile: it is at version \d+, not \d+",
     "您填写期间，别人已改过这一条。您写的还在下面，请对照最新一版修改后再保存。"),
    (r"\S+ is \S+ and can't be \S+", "这一条的状态已经改变，不能再这样处理。"),
    (r"(\S+) wrote the words of \S+", r"这一条由\1起草，应由另一人审核。"),
    (r"no reason is given", "请写明理由。"),
    (r"\S+ can't be published: (.+)", r"不能发布：\1。"),
    (r"\S+ is withdrawn already", "这一条已经撤回。"),
    (r"the entry can't be kept: (.+)", r"标题、问题、答复都要填写，有效期的起止要对（\1）。"),
    # Consultations
    (r"there is no consultation (.*)", r"没有编号为“\1”的征求意见。"),
    (r"the first and last day of the consultation on \S+ are not known", "请填写开始和截止日期。"),
    (r"a consultation can't close on (\S+), before it opens on (\S+)", r"截止日期 \1 早于开始日期 \2，请核对。"),
    (r"the text of \S+ is empty", "请粘贴草案全文，或选文件。"),
    (r"the consultation on \S+ that opens on (\S+) is there already", r"这项草案 \1 开始的征求意见已经在办理。"),
    (r"(\S+) has comments, placed by the clauses of its text", "已经收了意见，不能再换草案文本。"),
    (r"(\S+) is public since (\S+)", r"采纳情况已于 \2 公开，不能再改；需要时请先撤回。"),
    (r"\S+ has no comment .*", "没有这份来信。"),
    (r"nothing about the comment is to change", "没有要改的内容。"),
    (r"there is no stance .*", "请选择立场。"),
    (r"the draft has no clause (.*)", r"草案里没有“\1”。"),
    (r"\S+ has no opinion (\d+)", r"没有意见 \1。"),
    (r"there is no outcome .*", "请选择采纳情况。"),
    (r"(\S+) is decided with a reason", r"\1要写明理由。"),
    (r"the (?:reason|wording) has (\d+) characters, more than (\d+)", r"写了 \1 字，最多 \2 字。"),
    (r"no opinion is named", "请选择意见。"),
    (r"a wording is for one opinion", "对外表述请逐项填写。"),
    (r"opinion (\d+) was decided meanwhile by (\S+)", r"您填写期间，\2已决定了意见 \1，请看过再改。"),
    (r"\S+ closes on (\S+) only", r"\1 才截止，截止后才能公开采纳情况。"),
    (r"(\S+) lies ahead", r"\1 还没有到。"),
    (r"(\d+) opinions of \S+ are not decided", r"还有 \1 项意见没有决定。"),
    (r"\S+ is not public", "采纳情况还没有公开。"),
    (r"(.+) has no rows", r"\1 里没有内容，表格要有表头和至少一行。"),
    (r"(.+): no column for a title or a text among .*", r"\1 里找不到意见内容的列，请把那一列的表头写成“意见内容”。"),
    # Briefings; the states' words are those of the answers
    (r"there is no briefing (\S*)", r"没有编号为“\1”的简报。"),
    (r"'(.*)' is no code of a briefing's number", r"“\1”不是依据代码，请照纸面填写，例如 RB-20260508-3。"),
    (r"(\S+) has no number with the code (\S*)", r"\1 中没有代码为 \2 的数字。"),
    (r"code \[(\d+)\] must stand behind (.+)", r"依据代码 [\1] 只能跟在它的数字后面（\2）；数字改了，就请删去代码。"),
    (r"a paragraph has (\d+) characters, more than (\d+)", r"一段有 \1 字，最多 \2 字。"),
    (r"(\S+) has no distribution list", r"\1 没有报送名单：请运维配置 briefing.distribution，再撤回重做。"),
    (r"(\S+) is not what was signed", r"\1 的内容与签发时不一致，不能印发。请撤回，并请运维从备份恢复。"),
    (r"(\S+) is corrected by (\S+) already", r"\1 已由 \2 更正，请在那一期上更正。"),
    (r"a special report is on one event or one policy", "专报只写一个事件或一项政策，请填写其中一个。"),
    (r"(\S+) is not here yet", r"\1 还没有到。"),
    # Policies
    (r"(.+): files of this kind are not read", r"不读这种文件：\1。"),
    (r"(.+) is larger than ([\d,]+) bytes", r"\1 太大，最多 \2 字节。"),
    (r"(.+) holds more than ([\d,]+) bytes", r"\1 解开后太大，最多 \2 字节。"),
    (r"(.+) has no words that can be read", r"\1 里没有可读的文字；扫描件读不出来，请用原件。"),
    (r"(.+) can't be read as \w+: .*", r"\1 读不出来：文件可能已损坏，或不是这种格式。"),
    (r"(.+) is locked by a password", r"\1 有口令，请先去掉口令。"),
    (r"there is no form .*", "请选择解读材料的形式。"),
    (r"a piece of interpretation has a title and somebody who adds it", "请填写解读材料的标题。"),
    (r"'(.*)' is no link", r"“\1”不是网址，应以 http:// 或 https:// 开头。"),
    # Tokens and webhooks
    (r"a token needs a name .*", "请写明令牌给哪个程序用，最多 100 字。"),
    (r"a token holds for 1 to (\d+) days", r"有效天数是 1 到 \1。"),
    (r"a token needs a right", "请至少选一项权限。"),
    (r"(\S+) has not got the right '(\S+)'", "令牌的权限不能超过本人的。"),
    (r"there is no right '(\S+)'", "没有这项权限。"),
    (r"(\S+) has (\d+) (?:tokens|webhooks) already", r"已有 \2 个，请先停用不再使用的。"),
    (r"a webhook needs a name .*", "请写明推送给哪个程序，最多 100 字。"),
    (r"a webhook is told of .*", "请至少选一个事项。"),
    (r"(\S+) is no public address", r"\1 不是公网地址，不予推送；是本单位内网的，请运维写进 crawl.allowed_networks。"),
    (r"(\S+) is not known", r"找不到主机 \1。"),
    (r"an address begins with http.*", "网址应以 http:// 或 https:// 开头，不能带口令。"),
    (r"that is no address", "这不是网址。"),
    # Labels
    (r"'?(\S+?)'? is no label of .*", "没有这个标签。"),
)  # fmt: skip

_PATTERNS = [(re.compile(pattern, re.S), words) for pattern, words in _KNOWN]


def in_chinese(error: MinshengError) -> str:
    """What to tell somebody at a page: one sentence, or several lines where a file has several mistakes."""
    message = error.message
    for pattern, words in _PATTERNS:
        if found := pattern.fullmatch(message):
            return found.expand(words)
    return message
