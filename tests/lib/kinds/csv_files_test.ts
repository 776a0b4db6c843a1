import { assert, assertEquals } from "@std/assert";
import { profileCsv } from "../../../lib/kinds/csv_profile.ts";
import type { CsvProfile } from "../../../lib/kinds/csv_report.ts";
import type { CsvProfileInput } from "../../../lib/kinds/csv_input.ts";
import { type SaveYield, yieldType } from "headway";
import fc from "fast-check";
import { TableProfile } from "../../../lib/kinds/table_profile.ts";
import { encodeText } from "../../helpers/encode_text.ts";
import { collect, taskContext } from "../../helpers/task_context.ts";

/** A file as people have it, and its profile in short, or the error. */
interface File {
  text: string | Uint8Array;
  /** Encoding of the file. */
  as?: string;
  input?: Partial<CsvProfileInput>;
  /** `encoding delimiter header_line rows/malformed: column type, …`, or the error. */
  is: string;
  /** What the warnings of the result begin with. */
  warnings?: string[];
  more?: (result: CsvProfile) => unknown;
  /** What {@link File.more} returns. */
  gives?: unknown;
}

const ZH =
  "姓名,城市,部门\r\n张伟,北京市,销售部\r\n王芳,上海市,财务部\r\n李娜,广州市,人力资源部\r\n";
const TW =
  "姓名,城市,部門\r\n張偉,臺北市,業務部\r\n王芳,高雄市,財務部\r\n李娜,臺中市,人力資源部\r\n";
const JA = "氏名,都市,部署\r\n佐藤,東京都,営業部\r\n鈴木,大阪府,経理部\r\n高橋,名古屋市,人事部\r\n";
const KO =
  "이름,도시,부서\r\n김철수,서울특별시,영업부\r\n이영희,부산광역시,재무부\r\n박민수,인천,인사부\r\n";
const RU =
  "Имя;Город;Сумма\r\nИванов;Москва;1500,50\r\nПетров;Казань;200,00\r\nСмирнова;Самара;75,25\r\n";
const DE = `Name;Straße;Betrag\r\n${
  "Müller;Hauptstraße 5;1.234,56\r\nSchäfer;Königsallee;99,90\r\nGroß;Lindenweg;-12,00\r\n".repeat(
    8,
  )
}`;

const FILES: Record<string, File> = {
  // Delimiters.
  "a shop's export with commas": {
    text: "sku,price,stock\nA-1,9.99,3\nA-2,19.50,0\n",
    is: "utf-8 , 1 2/0: sku string, price number, stock integer",
  },
  "a semicolon with decimal commas, and a comma in the header": {
    text: "item;price, EUR\nA;1,50\nB;2,75\n",
    is: "utf-8 ; 1 2/0: item string, price, EUR number",
    more: ({ decimal, columns }) => [decimal, columns[1]!.min, columns[1]!.mean],
    gives: [",", 1.5, 2.125],
  },
  "tabs": { text: "a\tb, c\n1\tx, y\n2\tz\n", is: "utf-8 \\t 1 2/0: a integer, b, c string" },
  "pipes": { text: "id|name\n1|Ann\n2|Bob\n", is: "utf-8 | 1 2/0: id integer, name string" },
  "carets": { text: "id^name\n1^Ann\n2^Bob\n", is: "utf-8 ^ 1 2/0: id integer, name string" },
  "tildes": { text: "id~name\n1~Ann\n2~Bob\n", is: "utf-8 ~ 1 2/0: id integer, name string" },
  "colons, which must be given": {
    text: "id:name\n1:Ann\n",
    input: { delimiter: ":" },
    is: "utf-8 : 1 1/0: id integer, name string",
  },
  "colons, which are not given": {
    text: "id:name\n1:Ann\n",
    is: "utf-8 , 1 1/0: id:name string",
    warnings: ["No delimiter was found"],
  },
  "two delimiters that fit alike": {
    text: "a;b,c\nd;e,f\n",
    is: 'Cannot tell which of "," and ";" is the delimiter: give "delimiter"',
  },
  "sep= of Excel": { text: "sep=;\r\na;b\r\n1;2\r\n", is: "utf-8 ; 2 1/0: a integer, b integer" },
  "sep= with a mark before and a comma in all cells": {
    text: "\ufeffsep=\t\r\na,x\tb,x\r\n1,2\t3,4\r\n",
    is: "utf-8 \\t 2 1/0: a,x number, b,x number",
  },
  // Quotes.
  "quotes, doubled quotes and line ends in quotes": {
    text: 'id,note\r\n1,"He said ""hi"""\r\n2,"two\r\nlines"\r\n',
    is: "utf-8 , 1 2/0: id integer, note string",
    more: ({ columns }) => [columns[1]!.min, columns[1]!.max],
    gives: ['He said "hi"', "two\r\nlines"],
  },
  "bare quotes": {
    text: 'id,part\n1,5" pipe\n2,6" pipe\n3,plain\n',
    is: "utf-8 , 1 3/0: id integer, part string",
  },
  "escaped quotes of MySQL": {
    text: 'id,note\n"1","say \\"hi\\", Bob"\n"2","back\\\\slash"\n',
    is: "utf-8 , 1 2/0: id integer, note string",
    more: ({ columns }) => [columns[1]!.min, columns[1]!.max],
    gives: ["back\\slash", 'say "hi", Bob'],
  },
  "a folder of Windows, quoted": {
    text: 'id,path\n1,"C:\\"\n2,"D:\\x\\"\n',
    is: "utf-8 , 1 2/0: id integer, path string",
  },
  "a quote that never closes": {
    text: 'a,b\n1,2\n3,"x\n4,5\n',
    is: "utf-8 , 1 2/1: a integer, b integer",
    warnings: ["1 row was left out"],
  },
  // Encodings.
  "UTF-8 with a mark": { text: "\ufeffÜ,b\n1,2\n", is: "utf-8 , 1 1/0: Ü integer, b integer" },
  "Unicode text of Excel": {
    text: "\ufeff姓名\t城市\r\n张伟\t北京\r\n王芳\t上海\r\n",
    as: "utf-16le",
    is: "utf-16le \\t 1 2/0: 姓名 string, 城市 string",
  },
  "UTF-16BE with a mark": {
    text: "\ufeffid,né\r\n1,é\r\n",
    as: "utf-16be",
    is: "utf-16be , 1 1/0: id integer, né string",
  },
  "UTF-16LE without a mark": {
    text: "id,name\r\n1,Zoë\r\n2,Ann\r\n",
    as: "utf-16le",
    is: "utf-16le , 1 2/0: id integer, name string",
  },
  "UTF-16BE without a mark": {
    text: "id\t姓名\r\n1\t张伟\r\n22\t王芳\r\n",
    as: "utf-16be",
    is: "utf-16be \\t 1 2/0: id integer, 姓名 string",
  },
  "GBK of Chinese Excel": {
    text: ZH,
    as: "gbk",
    is: "gb18030 , 1 3/0: 姓名 string, 城市 string, 部门 string",
    more: ({ columns }) => [columns[0]!.distinct, columns[0]!.distinct_exact, columns[0]!.min],
    gives: [3, true, "张伟"],
  },
  "GBK with bytes that look like | and \\": {
    text: "名称|数量\n亅|1\n東|2\n颸|3\n丂亅倈|4\n销售部门人力资源财务部|5\n北京上海广州深圳|6\n",
    as: "gbk",
    input: { encoding: "gbk" },
    is: "gbk | 1 6/0: 名称 string, 数量 integer",
  },
  "very little GBK, which is a guess": {
    text: "name,age\n张伟,30\n王芳,31\n",
    as: "gbk",
    is: "* , 1 2/0: name string, age integer",
    warnings: ["The encoding is a guess"],
    more: ({ columns }) => columns.some((column) => column.distinct_exact),
    gives: false,
  },
  "Shift_JIS": {
    text: JA,
    as: "shift_jis",
    is: "shift_jis , 1 3/0: 氏名 string, 都市 string, 部署 string",
  },
  "Shift_JIS with bytes that look like | and \\": {
    text: "表|数\nソ十|1\nポ予|2\n",
    as: "shift_jis",
    input: { encoding: "sjis" },
    is: "shift_jis | 1 2/0: 表 string, 数 integer",
  },
  "Big5": { text: TW, as: "big5", is: "big5 , 1 3/0: 姓名 string, 城市 string, 部門 string" },
  "EUC-KR": { text: KO, as: "euc-kr", is: "euc-kr , 1 3/0: 이름 string, 도시 string, 부서 string" },
  "Windows-1251": {
    text: RU,
    as: "windows-1251",
    is: "windows-1251 ; 1 3/0: Имя string, Город string, Сумма number",
  },
  "Windows-1252 of a German bank": {
    text: DE,
    as: "windows-1252",
    is: "windows-1252 ; 1 24/0: Name string, Straße string, Betrag number",
    more: ({ columns }) => [columns[2]!.min, columns[2]!.max],
    gives: [-12, 1234.56],
  },
  "ISO-8859-1, given": {
    text: "prénom,âge\nZoé,3\n",
    as: "windows-1252",
    input: { encoding: "latin1" },
    is: "windows-1252 , 1 1/0: prénom string, âge integer",
  },
  "text that is not ASCII from row 20,000 on alone": {
    text: `id;name\n${"1;Hans\n".repeat(20_000)}${
      "2;Müller\n3;Größe\n4;Schäfer\n5;Straße\n".repeat(20)
    }`,
    as: "windows-1252",
    is: "windows-1252 ; 1 20080/0: id integer, name string",
    more: ({ columns }) => columns[1]!.max,
    gives: "Straße",
  },
  // Line ends.
  "line ends of old Macs": { text: "a,b\r1,2\r3,4\r", is: "utf-8 , 1 2/0: a integer, b integer" },
  "mixed line ends": {
    text: "a,b\r\n1,2\n3,4\r5,6\r\n",
    is: "utf-8 , 1 3/0: a integer, b integer",
  },
  // Before and after the table.
  "a bank's statement": {
    text: '"Kontonummer:";"DE12 3456";\r\n"Von:";"01.01.2026";\r\n\r\n' +
      '"Buchungstag";"Text";"Betrag (EUR)";\r\n"02.01.2026";"Miete";"-950,00";\r\n"03.01.2026";"Lohn";"2.500,00";\r\n',
    is: "utf-8 ; 4 2/0: Buchungstag string, Text string, Betrag (EUR) number",
    warnings: ["Lines before line 4 were skipped"],
  },
  "a short statement below account data of three cells, with a name twice": {
    text: "Umsatzanzeige;Datei erstellt am: 02.01.2026 10:00\n\nIBAN;DE12 3456\nBank;ING\n" +
      "Kunde;Eva Muster\nSaldo;1.234,56;EUR\n\nSortierung;Datum absteigend\n\n" +
      "Buchung;Valuta;Empfänger;Text;Saldo;Währung;Betrag;Währung\n" +
      "31.01.2026;31.01.2026;REWE;Lastschrift;1.234,56;EUR;-12,34;EUR\n" +
      "30.01.2026;30.01.2026;Arbeit;Gehalt;1.246,90;EUR;2.000,00;EUR\n",
    is: "utf-8 ; 10 2/0: Buchung string, Valuta string, Empfänger string, Text string, " +
      "Saldo number, Währung string, Betrag number, Währung_2 string",
    warnings: ["Lines before line 10 were skipped"],
  },
  "account data of a French bank": {
    text: "Code de la banque : 30003;Code de l'agence : 0123;Date de début : 01/01/2026\r\n" +
      "Numéro de compte : 123;Nom du compte : Compte chèque;Devise : EUR\r\n\r\n" +
      "Date;Libellé;Débit euros;Crédit euros;Détail\r\n" +
      "02/01/2026;CARTE;-12,50;;achat café\r\n03/01/2026;VIREMENT REÇU;;1 200,00;prêt\r\n",
    as: "windows-1252",
    is: "windows-1252 ; 4 2/0: Date string, Libellé string, Débit euros number, " +
      "Crédit euros number, Détail string",
    warnings: ["Lines before line 4 were skipped", "The encoding is a guess"],
  },
  "a table above a smaller one that has more columns": {
    text: "name,city,since\nAnn,Paris,2020\nBob,Rome,2021\nCyd,Oslo,2022\n\na,b,c,d\n1,2,3,4\n",
    is: "utf-8 , 1 3/2: name string, city string, since integer",
    warnings: ["2 rows were left out"],
  },
  "a title": {
    text: "Report of 2026\na;b\n1;2\n",
    is: "utf-8 ; 2 1/0: a integer, b integer",
    warnings: ["Lines before line 2 were skipped"],
  },
  "a marketplace's notes above a table": {
    text: '"Includes orders"\n"All amounts in USD"\n"date","type","total"\n' +
      '"Jan 1, 2026","Order","12.50"\n"Jan 2, 2026","Order","1,112.50"\n',
    is: "utf-8 , 3 2/0: date string, type string, total number",
    warnings: ["Lines before line 3 were skipped"],
  },
  "notes above a table that nothing tells from rows": {
    text: '"Note"\n"Other note"\n"a","b"\n"x","y"\n"z","w"\n',
    is: "Cannot tell what the delimiter is, as 3 of 5 rows are malformed without one",
  },
  "more notes above a table than are passed over": {
    text: `${Array.from({ length: 60 }, (_, n) => `Note ${n}`).join("\n")}\na;b;c\n` +
      "1;2;3\n".repeat(60),
    is: 'Cannot tell where the table begins, as the last rows looked at are split by ";"',
  },
  "one column of texts with a comma in most": {
    text: "remark\n" + "well, so\nplain\nwell, what\n".repeat(30),
    is: "utf-8 ; 1 90/0: remark string",
  },
  "a title that Excel filled up": {
    text: "Sales 2026,,\n,,\nregion,units,price\nNorth,3,1.5\nSouth,4,2.5\n",
    is: "utf-8 , 3 2/0: region string, units integer, price number",
    warnings: ["Lines before line 3 were skipped"],
  },
  "lines above that are told": {
    text: "x,y\nz,w\na,b\n1,2\n",
    input: { skip_lines: 2 },
    is: "utf-8 , 3 1/0: a integer, b integer",
  },
  "a delimiter at the end of each row": {
    text: "a;b;\n1;2;\n3;4;\n",
    is: "utf-8 ; 1 2/0: a integer, b integer",
  },
  "a delimiter at the end of data rows alone": {
    text: "a;b\n1;2;\n3;4;\n",
    is: "utf-8 ; 1 2/0: a integer, b integer",
  },
  "a delimiter at the end of the header alone": {
    text: "a,b,\n1,2\n3,4\n",
    is: "utf-8 , 1 2/0: a integer, b integer",
  },
  "a last column without a name": {
    text: "a,b,\n1,2,x\n3,4,\n",
    is: "utf-8 , 1 2/0: a integer, b integer, column_3 string",
  },
  "a footer": {
    text: "id,sum\n1,2\n3,4\n\n(2 rows)\n",
    is: "utf-8 , 1 2/1: id integer, sum integer",
    warnings: ["1 row was left out"],
  },
  "ragged rows": {
    text: "a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,1,1\n",
    is: "utf-8 , 1 2/2: a integer, b integer, c integer",
    warnings: ["2 rows were left out"],
  },
  "ragged rows, which most are": {
    text: "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11\n",
    is: "Cannot profile the file as 3 of its 4 rows are malformed, the first at line 3: 2 cells",
  },
  "a report of two tables, of which the second is longer": {
    text: "region,units\nNorth,3\nSouth,4\n\nname,city,since\n" +
      "Ann,Paris,2020\nBob,Rome,2021\nCyd,Oslo,2022\n",
    is: "utf-8 , 5 3/0: name string, city string, since integer",
    warnings: ["Lines before line 5 were skipped"],
  },
  "quotes that nobody doubled, in most rows": {
    text: 'id,part\n1,"5" pipe"\n2,"6" pipe"\n3,plain\n',
    is: "Cannot profile the file as 2 of its 3 rows are malformed, the first at line 2: text after",
  },
  "a header that lacks a name": {
    text: "a,b\nx,1,2\ny,3,4\n",
    is:
      "Cannot profile the file as none of its 2 rows is well-formed, the first at line 2: 3 cells",
  },
  "no header": {
    text: "1,Ann,2026-01-02\n2,Bob,2026-01-03\n",
    is: "utf-8 , null 2/0: column_1 integer, column_2 string, column_3 date",
    warnings: ["The first row has values, not names"],
  },
  "a row alone": {
    text: "1,2.5,2026-01-02\n",
    is: "utf-8 , null 1/0: column_1 integer, column_2 number, column_3 date",
    warnings: ["The first row has values, not names"],
  },
  "a title above names alone, which may be a header": {
    text: "Report\nname,city\nAnn,Paris\nBob,Rome\n",
    is:
      "Cannot profile the file as none of its 3 rows is well-formed, the first at line 2: 2 cells",
  },
  "years for names": {
    text: "country,2019,2020\nFR,1,2\nDE,3,4\n",
    is: "utf-8 , 1 2/0: country string, 2019 integer, 2020 integer",
  },
  "names twice and none": {
    text: "a,,a\n1,2,3\n",
    is: "utf-8 , 1 1/0: a integer, column_2 integer, a_2 integer",
  },
  "nothing": { text: "", is: "utf-8 , null 0/0:" },
  "a header alone": { text: "a;b\r\n", is: "utf-8 ; 1 0/0: a empty, b empty" },
  "one column": { text: "name\nAnn\nBob\n", is: "utf-8 , 1 2/0: name string" },
  "one column with commas in it": {
    text: "name\nDoe, Jane\nRoe, Richard\n",
    is: "utf-8 ; 1 2/0: name string",
  },
  "quotes behind a blank, which the delimiter does not end": {
    text: 'id, name\n1, "A, B"\n2, "C, D"\n3, "E, F"\n',
    is: 'Cannot tell whether "," is the delimiter, as 3 of 3 rows do not fit the first',
  },
  "lines of blanks alone": {
    text: "\n \na,b\n1,2\n  \t\n3,4\n\u3000\n",
    is: "utf-8 , 3 2/0: a integer, b integer",
  },
  "one column of decimal commas": {
    text: "price\n1,50\n12,75\n",
    is: "utf-8 ; 1 2/0: price number",
  },
  // Cells.
  "thousands with points": {
    text: "n\tm\n1.234,50\t1.234\n12,00\t2.000.000\n",
    is: "utf-8 \\t 1 2/0: n number, m integer",
    more: ({ columns }) => columns.map(({ max }) => max),
    gives: [1234.5, 2_000_000],
  },
  "thousands with commas": {
    text: 'n,m\n"1,234.56",5.5\n"1,000,000",6.5\n',
    is: "utf-8 , 1 2/0: n number, m number",
    more: ({ columns }) => columns[0]!.max,
    gives: 1_000_000,
  },
  "thousands with spaces": {
    text: "n;m\n1 234,56;1\u00a0234\n12,5;5\u202f000\n",
    is: "utf-8 ; 1 2/0: n number, m integer",
    more: ({ columns }) => columns[1]!.max,
    gives: 5000,
  },
  "thousands or decimals, which nothing tells": {
    text: 'n\n"1,234"\n"2,500"\n',
    is: "utf-8 ; 1 2/0: n string",
  },
  "currency, per cent and brackets are texts": {
    text: 'a,b,c\n"$1,234.50",45%,(12.5)\n$5.00,7%,(3)\n',
    is: "utf-8 , 1 2/0: a string, b string, c string",
  },
  "dates": {
    text:
      "iso,german,american\n2026-01-31,31.01.2026,01/31/2026\n2026-02-01,01.02.2026,02/01/2026\n",
    is: "utf-8 , 1 2/0: iso date, german string, american string",
  },
  "post codes and phone numbers": {
    text: "zip,phone\n00501,+4917112345678\n12345,+14155550100\n90210,0301234567\n",
    is: "utf-8 , 1 3/0: zip string, phone string",
    more: ({ columns }) => columns[0]!.min,
    gives: "00501",
  },
  "ids that no number holds": {
    text: "order,parcel,units\n9007199254740993,34043416109401590212,1\n7,34043416109401590213,2\n",
    is: "utf-8 , 1 2/0: order string, parcel string, units integer",
    more: ({ columns }) => columns[1]!.max,
    gives: "34043416109401590213",
  },
  "leading zeros behind a sign": {
    text: "offset\n-05\n-12\n+01\n",
    is: "utf-8 , 1 3/0: offset string",
  },
  "numbers of science, booleans and nulls": {
    text: "x,ok,n\n1.5e-3,true,1\n2E5,false,NULL\n",
    input: { null_text: "NULL" },
    is: "utf-8 , 1 2/0: x number, ok boolean, n integer",
    more: ({ columns }) => columns[2]!.nulls,
    gives: 1,
  },
  "odd spaces around cells": {
    text: "n,t\n\u30001\u00a0,\u200bx\u200b\n\u200b \u30002\u200b,x\n",
    is: "utf-8 , 1 2/0: n integer, t string",
    more: ({ columns }) => columns[1]!.distinct,
    gives: 1,
  },
  "NUL characters": { text: "a,b\n1,x\0\n2,\0\n", is: "utf-8 , 1 2/0: a integer, b string" },
  "names in angle brackets": {
    text: "<TICKER>,<PER>,<CLOSE>\nABC,D,1.5\nABC,D,1.7\n",
    is: "utf-8 , 1 2/0: <TICKER> string, <PER> string, <CLOSE> number",
  },
  "a header that is longer than what is looked at": {
    text: `"${"x".repeat(70_000)}",b\n1,2\n`,
    is: "Cannot tell what the delimiter is",
  },
  "a header as long, with its delimiter": {
    text: `"a${" ".repeat(70_000)}",b\n1,2\n`,
    input: { delimiter: "," },
    is: "utf-8 , 1 1/0: a integer, b integer",
  },
  "a long cell": {
    text: `a,b\n1,${"x".repeat(300_000)}\n`,
    is: "utf-8 , 1 1/0: a integer, b string",
  },
  // Not CSV.
  "a workbook": {
    text: bytes("PK\x03\x04\x14\0\x06\0"),
    is: "The file is not CSV but a ZIP file, as .xlsx",
  },
  "an old workbook": {
    text: bytes("\xd0\xcf\x11\xe0\xa1\xb1"),
    is: "The file is not CSV but an old Office file",
  },
  "gzip": {
    text: bytes("\x1f\x8b\x08\0\0\0\0\0"),
    is: "The file is not CSV but compressed with gzip",
  },
  "a PDF": { text: bytes("%PDF-1.7\n%\xe2\xe3"), is: "The file is not CSV but a PDF document" },
  "a picture": {
    text: bytes("\x89PNG\r\n\x1a\n\0"),
    is: "The file is not CSV but a PNG image",
  },
  "other binary data": {
    text: Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3)) % 256),
    is: "The file is not CSV but binary data",
  },
  "HTML": {
    text: "\ufeff\r\n<!DOCTYPE html><html><table><tr><td>1</td>",
    is: "The file is not CSV but an HTML page",
  },
  "XML": { text: '<?xml version="1.0"?>\n<Workbook>', is: "The file is not CSV but XML" },
  "a piece of XML": { text: "<a>1</a>\n", is: "The file is not CSV but XML" },
  "JSON": { text: '[\n  {"a": 1, "b": 2}\n]', is: "The file is not CSV but JSON" },
  "JSON lines": { text: '{"a":1,"b":2}\n{"a":3,"b":4}\n', is: "The file is not CSV but JSON" },
  "a form": {
    text:
      '------x1\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\r\n1,2\r\n------x1--\r\n',
    is: "The file is not CSV but a multipart form: upload the file itself",
  },
  "ISO-2022-JP": {
    text: 'a,b\n\x1b$B$"$$\x1b(B,2\n',
    is: "The file is not CSV but ISO-2022-JP: save it as UTF-8",
  },
  "UTF-32": { text: bytes("\xff\xfe\0\0a\0\0\0"), is: "The file is not CSV but UTF-32" },
};

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

for (const [name, file] of Object.entries(FILES)) {
  Deno.test(`csvProfile judges a file as a careful reader would: ${name}`, async () => {
    const bytes = typeof file.text === "string"
      ? encodeText(file.text, file.as ?? "utf-8")
      : file.text;
    let result: CsvProfile;
    try {
      const context = taskContext({ upload: "u", ...file.input }, { bytes });
      result = (await collect(profileCsv(context))).result;
    } catch (error) {
      const { message } = error as Error;
      assert(message.startsWith(file.is), message);
      return;
    }
    const { encoding, delimiter, header_line, rows, malformed, columns, warnings } = result;
    const said = file.is.startsWith("*") ? "*" : encoding;
    const told =
      `${said} ${delimiter === "\t" ? "\\t" : delimiter} ${header_line} ${rows}/${malformed}: ` +
      columns.map(({ name, type }) => `${name} ${type}`).join(", ");
    assertEquals(told.trim(), file.is);
    const expected = file.warnings ?? [];
    assertEquals(warnings.map((text, i) => text.slice(0, expected[i]?.length)), expected);
    assertEquals(file.more?.(result), file.gives);
  });
}

const LETTERS: Record<string, string> = {
  "utf-8": 'aé😀姓",;|\t\n\r\\ 0',
  "utf-16le": 'aé😀姓上",;|\t\n\r\\ 0',
  "utf-16be": 'aé😀姓上",;|\t\n\r\\ 0',
  "gbk": 'a姓亅丂",;|\t\n\r\\ 0',
  "shift_jis": 'a氏ソ表ポ",;|\t\n\r 0',
  "big5": 'a姓功許",;|\t\n\r\\ 0',
  "euc-kr": 'a이름뷁",;|\t\n\r\\ 0',
  "windows-1251": 'aИмя",;|\t\n\r\\ 0',
  "windows-1252": 'aéß€",;|\t\n\r\\ 0',
};

/** A table as a program might write it. */
const written = fc.constantFrom(...Object.keys(LETTERS)).chain((encoding) => {
  const cell = fc.string({ unit: fc.constantFrom(...LETTERS[encoding]!), maxLength: 6 });
  return fc.record({
    encoding: fc.constant(encoding),
    mark: fc.boolean(),
    delimiter: fc.constantFrom(",", ";", "\t", "|"),
    end: fc.constantFrom("\n", "\r\n", "\r"),
    trailing: fc.boolean(),
    rows: fc.integer({ min: 2, max: 4 }).chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 25,
      })
    ),
  });
});

Deno.test("csvProfile gives a table the same profile in any dialect, encoding and chunks, from any checkpoint", async () => {
  await fc.assert(
    fc.asyncProperty(
      written,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 5 }),
      fc.nat(),
      async ({ encoding, mark, delimiter, end, trailing, rows }, sizes, pick) => {
        const header = rows[0]!.map((_, i) => `c${i}`);
        const text = [header, ...rows].map((row) =>
          row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter) +
          (trailing ? delimiter : "") + end
        ).join("");
        const bom = mark && encoding.startsWith("utf") ? "\ufeff" : "";
        const bytes = encodeText(bom + text, encoding);
        let turn = 0;
        const chunkSize = () => sizes[turn++ % sizes.length]!;
        const run = (checkpoint?: unknown) => {
          const input = { upload: "u", encoding, delimiter };
          return collect(profileCsv(taskContext(input, { bytes, chunkSize, checkpoint }), 0));
        };
        const { result, yields } = await run();

        const table = new TableProfile({ decimal: result.decimal });
        for (const row of [header, ...rows]) table.add(row);
        const expected = table.summary().columns;
        assertEquals([result.columns, result.rows, result.malformed], [expected, rows.length, 0]);
        const saves = yields.filter((value) => yieldType(value) === "save");
        const { data } = saves[pick % saves.length] as SaveYield<unknown>;
        assertEquals((await run(JSON.parse(JSON.stringify(data)))).result, result);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("csvProfile finds the same encoding and dialect from any checkpoint", async () => {
  const rows = "1;Hans;2,50\n".repeat(8000) + "2;Müller;3,75\n3;Größe;1\n4;Schäfer;1\n".repeat(30);
  const bytes = encodeText(`preamble\n\nid;name;price\n${rows}`, "windows-1252");
  const run = async (checkpoint?: unknown) => {
    const options = { bytes, chunkSize: () => 5000, checkpoint };
    return await collect(profileCsv(taskContext({ upload: "u" }, options), 0));
  };
  const { result, yields } = await run();
  assertEquals([result.encoding, result.header_line, result.rows], ["windows-1252", 3, 8090]);
  for (const value of yields) {
    if (yieldType(value) !== "save") continue;
    const { data } = value as SaveYield<unknown>;
    assertEquals((await run(JSON.parse(JSON.stringify(data)))).result, result);
  }
});
