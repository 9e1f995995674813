/** The words of the directory; each part of it keeps its own. */
import { bothLanguages } from '../texts.ts'
import { actWords } from './words-acts.ts'
import { peopleWords } from './words-people.ts'
import { personWords } from './words-person.ts'

export const directoryTexts = bothLanguages(
  { ...peopleWords.en, ...personWords.en, ...actWords.en },
  { ...peopleWords.zh, ...personWords.zh, ...actWords.zh },
)
