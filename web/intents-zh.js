/**
 * The names of the intents in Chinese. Their English names are the model's labels.
 */

const names = `
accept_reservations 是否接受预订
account_blocked 账户被冻结
alarm 闹钟
application_status 申请进度
apr 年利率
are_you_a_bot 你是机器人吗
balance 余额
bill_balance 账单金额
bill_due 账单到期日
book_flight 预订航班
book_hotel 预订酒店
calculator 计算器
calendar 日历
calendar_update 更新日历
calories 热量
cancel 取消
cancel_reservation 取消预订
car_rental 租车
card_declined 卡被拒
carry_on 随身行李
change_accent 更换口音
change_ai_name 更改助手名字
change_language 更改语言
change_speed 更改语速
change_user_name 更改用户名
change_volume 更改音量
confirm_reservation 确认预订
cook_time 烹饪时间
credit_limit 信用额度
credit_limit_change 更改信用额度
credit_score 信用评分
current_location 当前位置
damaged_card 卡损坏
date 日期
definition 词义
direct_deposit 直接存款
directions 路线
distance 距离
do_you_have_pets 你有宠物吗
exchange_rate 汇率
expiration_date 有效期
find_phone 找手机
flight_status 航班状态
flip_coin 抛硬币
food_last 食物能放多久
freeze_account 冻结账户
fun_fact 趣闻
gas 油量
gas_type 汽油型号
goodbye 再见
greeting 问候
how_busy 繁忙程度
how_old_are_you 你多大了
improve_credit_score 提高信用评分
income 收入
ingredient_substitution 替代食材
ingredients_list 食材清单
insurance 保险
insurance_change 更改保险
interest_rate 利率
international_fees 境外手续费
international_visa 签证
jump_start 搭电启动
last_maintenance 上次保养
lost_luggage 行李丢失
make_call 打电话
maybe 也许
meal_suggestion 菜肴建议
meaning_of_life 人生的意义
measurement_conversion 单位换算
meeting_schedule 会议安排
min_payment 最低还款额
mpg 油耗
new_card 办新卡
next_holiday 下一个假日
next_song 下一首歌
no 否
nutrition_info 营养信息
oil_change_how 如何换机油
oil_change_when 何时换机油
order 下单
order_checks 订购支票
order_status 订单状态
pay_bill 付账单
payday 发薪日
pin_change 更改密码
play_music 播放音乐
plug_type 插头类型
pto_balance 剩余休假
pto_request 申请休假
pto_request_status 休假申请进度
pto_used 已用休假
recipe 菜谱
redeem_rewards 兑换积分
reminder 提醒
reminder_update 更新提醒
repeat 重复一遍
replacement_card_duration 补卡所需时间
report_fraud 举报欺诈
report_lost_card 挂失
reset_settings 恢复设置
restaurant_reservation 预订餐厅
restaurant_reviews 餐厅评价
restaurant_suggestion 餐厅推荐
rewards_balance 积分余额
roll_dice 掷骰子
rollover_401k 401k 转存
routing 银行路由号码
schedule_maintenance 预约保养
schedule_meeting 安排会议
share_location 共享位置
shopping_list 购物清单
shopping_list_update 更新购物清单
smart_home 智能家居
spelling 拼写
spending_history 消费记录
sync_device 同步设备
taxes 税
tell_joke 讲笑话
text 发短信
thank_you 谢谢
time 时间
timer 计时器
timezone 时区
tire_change 换轮胎
tire_pressure 胎压
todo_list 待办清单
todo_list_update 更新待办清单
traffic 路况
transactions 交易记录
transfer 转账
translate 翻译
travel_alert 旅行警告
travel_notification 出行告知
travel_suggestion 旅行建议
uber 叫车
update_playlist 更新播放列表
user_name 用户名
vaccines 疫苗
w2 W-2 税表
weather 天气
what_are_your_hobbies 你有什么爱好
what_can_i_ask_you 我能问你什么
what_is_your_name 你叫什么名字
what_song 这是什么歌
where_are_you_from 你来自哪里
whisper_mode 轻声模式
who_do_you_work_for 你为谁工作
who_made_you 谁创造了你
yes 是
`;

/** By label. @type {Map<string, string>} */
export const intentsZh = new Map(
  names
    .trim()
    .split('\n')
    .map((line) => /** @type {[string, string]} */ ([line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])),
);
