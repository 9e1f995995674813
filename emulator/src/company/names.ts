/** The words generated companies are made of. Data only; every list may grow, which changes generated companies on purpose. */

/** Surname and how it is written in a userid. Two-character surnames are rare and break code that cuts after one. */
export const surnames: readonly (readonly [string, string])[] = parse(
  '王 wang 李 li 张 zhang 刘 liu 陈 chen 杨 yang 黄 huang 赵 zhao 吴 wu 周 zhou 徐 xu 孙 sun 马 ma 朱 zhu 胡 hu 郭 guo ' +
    '何 he 高 gao 林 lin 罗 luo 郑 zheng 梁 liang 谢 xie 宋 song 唐 tang 许 xu 韩 han 冯 feng 邓 deng 曹 cao 彭 peng ' +
    '曾 zeng 肖 xiao 田 tian 董 dong 袁 yuan 潘 pan 于 yu 蒋 jiang 蔡 cai 余 yu 杜 du 叶 ye 程 cheng 苏 su 魏 wei ' +
    '吕 lv 丁 ding 任 ren 沈 shen 姚 yao 卢 lu 姜 jiang 崔 cui 钟 zhong 谭 tan 陆 lu 汪 wang 范 fan 金 jin 石 shi',
)

export const rareSurnames: readonly (readonly [string, string])[] = parse(
  '欧阳 ouyang 司马 sima 上官 shangguan 诸葛 zhuge 东方 dongfang 皇甫 huangfu 尉迟 yuchi 公孙 gongsun 慕容 murong 令狐 linghu',
)

export const givenSyllables: readonly (readonly [string, string])[] = parse(
  '伟 wei 芳 fang 娜 na 敏 min 静 jing 丽 li 强 qiang 磊 lei 军 jun 洋 yang 勇 yong 艳 yan 杰 jie 娟 juan 涛 tao 明 ming ' +
    '超 chao 秀 xiu 霞 xia 平 ping 刚 gang 桂 gui 英 ying 华 hua 玉 yu 萍 ping 红 hong 鹏 peng 辉 hui 建 jian 国 guo ' +
    '文 wen 志 zhi 海 hai 波 bo 宁 ning 雪 xue 梅 mei 琳 lin 宇 yu 晨 chen 浩 hao 然 ran 子 zi 涵 han 欣 xin 怡 yi ' +
    '思 si 雨 yu 佳 jia 琪 qi 嘉 jia 俊 jun 凯 kai 博 bo 天 tian 一 yi 诺 nuo 梓 zi 轩 xuan 泽 ze 睿 rui 哲 zhe 瑶 yao ' +
    '颖 ying 倩 qian 婷 ting 莉 li 东 dong 斌 bin 峰 feng 龙 long 飞 fei 鑫 xin 旭 xu 阳 yang 光 guang 春 chun 兰 lan',
)

/** Name and userid stem of people whose names are not Chinese, among them scripts that surprise. */
export const foreignNames: readonly (readonly [string, string])[] = [
  ['John Smith', 'john.smith'],
  ['Renée Dubois', 'renee.dubois'],
  ['Jürgen Müller', 'jurgen.mueller'],
  ['Siobhán O’Brien', 'siobhan.obrien'],
  ['Nguyễn Thị Minh Khai', 'nguyen.khai'],
  ['Айгүл Сатпаева', 'aigul.satpaeva'],
  ['山田太郎', 'yamada.taro'],
  ['김민준', 'kim.minjun'],
  ['محمد الأحمد', 'mohammed.alahmad'],
  ['Łukasz Żółć', 'lukasz.zolc'],
  ['María-José Fernández de la Cruz', 'mariajose.fernandez'],
  ['ณัฐพล ศรีสุข', 'nattapon.srisuk'],
]

/** How a name is spoilt by what people paste into it: `?` stands for the name. All are legal for WeCom. */
export const nameDecorations: readonly string[] = [
  '?🌟',
  '🚀 ?',
  '?👨‍👩‍👧‍👦',
  '\u202E?',
  '?\u200F',
  '\u200B?',
  '?\u200D\u200C',
  '\uFEFF?',
  '?（外包）',
]

export const positions: readonly string[] = (
  '工程师 高级工程师 资深工程师 技术专家 架构师 产品经理 高级产品经理 设计师 测试工程师 运维工程师 数据分析师 算法工程师 项目经理 ' +
  '销售代表 大客户经理 渠道经理 客户成功经理 市场专员 招聘专员 薪酬专员 会计 出纳 财务分析师 法务专员 采购专员 仓库管理员 ' +
  '质检员 班组长 操作工 司机 行政专员 前台 主管 经理 总监 实习生'
).split(' ')

/** First level below the company. */
export const divisions: readonly string[] = (
  '研发中心 产品中心 销售中心 市场中心 客户成功中心 供应链中心 制造中心 质量管理部 人力资源部 财务部 法务合规部 信息技术部 行政部 ' +
  '战略投资部 董事会办公室 设计中心 华东大区 华南大区 华北大区 西南大区 海外事业部 云计算事业部 智能硬件事业部 金融科技事业部'
).split(' ')

/** Below that. Their number is small on purpose: the same names must turn up under different parents. */
export const units: readonly string[] = (
  '综合管理部 平台研发部 前端组 后端组 测试组 算法组 运维组 数据组 产品组 设计组 项目管理办公室 客户服务部 渠道部 售前支持部 ' +
  '采购部 仓储部 物流部 一车间 二车间 三车间 质检组 招聘组 薪酬组 培训组 核算组 税务组 法务组 安全组 网络组 桌面支持组 ' +
  '北京分公司 上海分公司 广州分公司 深圳分公司 杭州分公司 成都分公司 武汉分公司 西安办事处 南京办事处 苏州办事处'
).split(' ')

export const companyNames: readonly (readonly [string, string])[] = [
  ['华辰科技有限公司', 'huachen.example'],
  ['远山制造集团', 'yuanshan.example'],
  ['青禾网络科技有限公司', 'qinghe.example'],
  ['百川物流股份有限公司', 'baichuan.example'],
]

export const streets: readonly string[] = ['中关村大街', '深南大道', '人民路', '解放路', '科技园路', '天府大道']

function parse(text: string): (readonly [string, string])[] {
  const words = text.split(' ')
  const pairs: (readonly [string, string])[] = []
  for (let i = 0; i + 1 < words.length; i += 2) pairs.push([words[i] ?? '', words[i + 1] ?? ''])
  return pairs
}
